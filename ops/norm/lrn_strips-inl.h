// Across channels: strips of pixels, channel by channel, so that the rows of a window stay in the cache and every
// tensor passes through it once.

#if defined(GRADPROOF_LRN_STRIPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LRN_STRIPS_INL_H
#undef GRADPROOF_LRN_STRIPS_INL_H
#else
#define GRADPROOF_LRN_STRIPS_INL_H
#endif

#include <algorithm>
#include <functional>
#include <vector>

#include "ops/core/memory.h"
#include "ops/norm/lrn_rows-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

template <size_t kCount>
using Squares = SumsOfRows<AddSquare, kCount>;
template <size_t kCount>
using Terms = SumsOfRows<AddTerm, kCount>;

class LrnStrips : public Kernel {
 public:
  // `rows` of a strip are in use at a time, `scratch_rows` of them in scratch. `bytes` are read and written in all.
  LrnStrips(const LrnAttributes& a, Index rows, Index scratch_rows, Index bytes, int threads)
      : a_(a),
        numbers_(a),
        window_(a.across()),
        space_(a.space()),
        stores_(stores_for(static_cast<size_t>(bytes))),
        threads_(threads) {
    // Long strips have few partial cache lines: they pay although their rows fill half of an L2 cache of 512 KiB and
    // none is found in L1. Threads want some to share.
    constexpr Index kFloats = 65536, kLongest = 4096;
    const Index wanted = std::clamp<Index>(kFloats / rows, 4 * kLineFloats, kLongest);
    const Index lines = (space_ + kLineFloats - 1) / kLineFloats;
    const Index shared = threads_ == 1 ? 1 : std::min(lines, (2 * threads_ + a.mb - 1) / a.mb);
    const Index strips = std::max((space_ + wanted - 1) / wanted, shared);
    length_ = (lines + strips - 1) / strips * kLineFloats;
    pitch_ = length_ + kLineFloats;  // no power of two: rows 4 KiB apart share their places in the cache
    scratch_size_ = scratch_rows * pitch_;
    scratch_ = zeroed_floats(threads_ * scratch_size_);
    taps_.resize(static_cast<size_t>(threads_ * window_.taps()));
  }

  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  // Pixels of one image: `first` is the offset of the first one in channel 0.
  struct Strip {
    Index thread, first, length;
  };

  template <class F>
  void ForEachStrip(const F& f) const {
    const Index strips = (space_ + length_ - 1) / length_, count = a_.mb * strips;
    const auto share = [&](Index thread) {
      for (Index i = count * thread / threads_; i < count * (thread + 1) / threads_; ++i) {
        const Index begin = i % strips * length_;
        f(Strip{thread, i / strips * a_.c * space_ + begin, std::min(length_, space_ - begin)});
      }
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  Index At(const Strip& strip, Index c) const { return strip.first + c * space_; }
  float* ScratchRow(const Strip& strip, Index row) const {
    return scratch_.get() + strip.thread * scratch_size_ + row * pitch_;
  }

  // The rows row(c) of the channels in the window of channel c.
  template <class Row>
  Rows RowsIn(const LrnWindow& window, const Strip& strip, Index c, const Row& row) {
    const float** taps = taps_.data() + strip.thread * window_.taps();
    size_t count = 0;
    for (Index i = std::max<Index>(0, c - window.before); i <= std::min(a_.c - 1, c + window.behind); ++i)
      taps[count++] = row(i);
    return {taps, count};
  }

  // f(functions, sums) with the sums of squares of the windows of channel c.
  template <class F>
  void WithSquares(const float* src, const Strip& strip, Index c, const F& f) {
    const auto row = [&](Index i) { return src + At(strip, i); };
    const Rows rows = RowsIn(window_, strip, c, row);
    const float* next = row(std::min(a_.c - 1, c + window_.behind + 1));
    if (rows.size() == 5 && a_.beta == 0.75) {
      f(alexnet_, Squares<5>(rows, next));
    } else {
      f(functions_, Squares<0>(rows, next));
    }
  }

  const LrnAttributes a_;
  const LrnNumbers numbers_;
  const LrnWindow window_;
  const Index space_;
  const Stores stores_;

 private:
  const int threads_;
  const LrnRows<Squares<0>> functions_ = LrnRows<Squares<0>>::Of(a_.beta);
  const LrnRows<Squares<5>> alexnet_ = LrnRows<Squares<5>>::With<ReciprocalThreeQuarters>();
  Index length_, pitch_, scratch_size_;
  AlignedMemory<float> scratch_;
  std::vector<const float*> taps_;
};

class LrnStripsForward final : public LrnStrips {
 public:
  LrnStripsForward(const LrnAttributes& a, int threads)
      : LrnStrips(a, a.across().taps() + 3, 0, 8 * a.mb * a.c * a.space(), threads) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    ForEachStrip([&](const Strip& strip) {
      for (Index c = 0; c < a_.c; ++c) {
        const Index at = At(strip, c);
        WithSquares(src, strip, c, [&](const auto& functions, const auto& squares) {
          functions.normalize(numbers_, squares, stores_, strip.length, src + at, dst + at);
        });
      }
    });
  }
};

// Terms run ahead of the gradient by half a window; a ring of rows holds them.
class LrnStripsGradient final : public LrnStrips {
 public:
  LrnStripsGradient(const LrnAttributes& a, int threads)
      : LrnStrips(a, 4 * a.across().taps(), 2 * a.across().taps(), 12 * a.mb * a.c * a.space(), threads) {}

  void run(std::span<const TensorRef> arguments) override {
    const float *src = arguments[0].floats(), *diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    const Index ahead = window_.reverse().behind;
    ForEachStrip([&](const Strip& strip) {
      for (Index c = 0; c < a_.c + ahead; ++c) {
        if (c < a_.c) Split(src, diff_dst, strip, c);
        if (c >= ahead) Join(src, diff_src, strip, c - ahead);
      }
    });
  }

 private:
  float* Direct(const Strip& strip, Index c) const { return ScratchRow(strip, c % window_.taps() * 2); }
  float* Term(const Strip& strip, Index c) const { return ScratchRow(strip, c % window_.taps() * 2 + 1); }

  void Split(const float* src, const float* diff_dst, const Strip& strip, Index c) {
    const Index at = At(strip, c), next = At(strip, std::min(a_.c - 1, c + 1));
    WithSquares(src, strip, c, [&](const auto& functions, const auto& squares) {
      functions.split(numbers_, squares, strip.length,
                      {.src = src + at,
                       .diff_dst = diff_dst + at,
                       .next = diff_dst + next,
                       .direct = Direct(strip, c),
                       .term = Term(strip, c)});
    });
  }

  void Join(const float* src, float* diff_src, const Strip& strip, Index c) {
    const Rows rows = RowsIn(window_.reverse(), strip, c, [&](Index i) { return Term(strip, i); });
    const auto join = [&](const auto& terms) {
      JoinRow(numbers_, terms, stores_, strip.length, Direct(strip, c), src + At(strip, c), diff_src + At(strip, c));
    };
    rows.size() == 5 ? join(Terms<5>(rows, rows[0])) : join(Terms<0>(rows, rows[0]));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_STRIPS_INL_H
