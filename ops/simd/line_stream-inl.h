// Output that comes in pieces of any length, streamed to memory.

#if defined(GRADPROOF_LINE_STREAM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LINE_STREAM_INL_H
#undef GRADPROOF_LINE_STREAM_INL_H
#else
#define GRADPROOF_LINE_STREAM_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Pieces that follow one another in `out` are staged until they fill cache lines, since lines that are streamed in
// parts cost 100 ns each; the ends, which others share, go by the cache. Without streaming pieces are computed in
// place. hwy::FlushStream() orders what was streamed before what follows.
class LineStream {
 public:
  // `stage` has room for the longest piece and a line; without streaming it is not used.
  LineStream(Stores stores, float* stage, float* out) : stores_(stores), stage_(stage), out_(out) {}

  // Where to compute the next piece.
  float* next() const { return stores_ == Stores::kStreaming ? stage_ + waiting_ : out_; }

  // The piece of `count` elements is computed.
  void push(Index count) {
    if (stores_ != Stores::kStreaming) {
      out_ += count;
      return;
    }
    waiting_ += count;
    const auto end = static_cast<Index>(reinterpret_cast<std::uintptr_t>(out_ + waiting_) / sizeof(float));
    const Index whole = waiting_ - end % kLineFloats;
    if (whole <= 0) return;
    write(whole);
    std::copy_n(stage_ + whole, waiting_, stage_);
  }

  // Writes what is left.
  void finish() { write(waiting_); }

 private:
  void write(Index count) {
    Map(Copy(), stores_, static_cast<size_t>(count), out_, stage_);
    out_ += count;
    waiting_ -= count;
  }

  Stores stores_;
  float* stage_;
  float* out_;
  Index waiting_ = 0;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LINE_STREAM_INL_H
