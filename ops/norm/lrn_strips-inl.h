// Across channels: strips of pixels, channel by channel, so that the rows of a window stay in the L1 cache and every
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

class LrnStrips : public Kernel {
 public:
  // `rows` of a strip are in use at a time.
  LrnStrips(const LrnAttributes& a, Index rows, Index scratch_rows, Index bytes, int threads)
      : a_(a),
        numbers_(a),
        functions_(RowsOf(a.beta)),
        window_(a.across()),
        space_(a.space()),
        stores_(stores_for(static_cast<size_t>(bytes))),
        threads_(threads) {
    constexpr Index kRows = 6144;  // floats: 24 of the 32 KiB
    const Index wanted = std::clamp<Index>(kRows / rows, 4 * kLineFloats, 64 * kLineFloats);
    const Index strips = (space_ + wanted - 1) / wanted, lines = (space_ + kLineFloats - 1) / kLineFloats;
    length_ = (lines + strips - 1) / strips * kLineFloats;
    pitch_ = length_ + kLineFloats;  // no power of two: rows 4 KiB apart share their places in the cache
    scratch_ = zeroed_floats(threads_ * scratch_rows * pitch_);
    scratch_size_ = scratch_rows * pitch_;
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

  float* ScratchRow(const Strip& strip, Index row) const {
    return scratch_.get() + strip.thread * scratch_size_ + row * pitch_;
  }

  // The rows row(c) of the channels in the window of channel c.
  template <class Row>
  std::span<const float* const> RowsIn(const LrnWindow& window, const Strip& strip, Index c, const Row& row) {
    const float** taps = taps_.data() + strip.thread * window_.taps();
    size_t count = 0;
    for (Index i = std::max<Index>(0, c - window.before); i <= std::min(a_.c - 1, c + window.behind); ++i)
      taps[count++] = row(i);
    return {taps, count};
  }

  void SumSquares(const float* src, const Strip& strip, Index c, float* sums) {
    const auto row = [&](Index i) { return src + strip.first + i * space_; };
    SumRows(RowsIn(window_, strip, c, row), strip.length, AddSquare(), sums);
  }

  const LrnAttributes a_;
  const LrnNumbers numbers_;
  const LrnRows functions_;
  const LrnWindow window_;
  const Index space_;
  const Stores stores_;

 private:
  const int threads_;
  Index length_, pitch_, scratch_size_;
  AlignedMemory<float> scratch_;
  std::vector<const float*> taps_;
};

class LrnStripsForward final : public LrnStrips {
 public:
  LrnStripsForward(const LrnAttributes& a, int threads)
      : LrnStrips(a, a.across().taps() + 3, 1, 8 * a.mb * a.c * a.space(), threads) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    ForEachStrip([&](const Strip& strip) {
      float* sums = ScratchRow(strip, 0);
      for (Index c = 0; c < a_.c; ++c) {
        SumSquares(src, strip, c, sums);
        const Index at = strip.first + c * space_;
        functions_.normalize(numbers_, stores_, strip.length, src + at, sums, dst + at);
      }
    });
  }
};

// Terms run ahead of the gradient by half a window; a ring of rows holds them.
class LrnStripsGradient final : public LrnStrips {
 public:
  LrnStripsGradient(const LrnAttributes& a, int threads)
      : LrnStrips(a, 4 * a.across().taps(), 1 + 2 * a.across().taps(), 12 * a.mb * a.c * a.space(), threads) {}

  void run(std::span<const TensorRef> arguments) override {
    const float *src = arguments[0].floats(), *diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    const LrnWindow reverse = window_.reverse();
    ForEachStrip([&](const Strip& strip) {
      for (Index ahead = 0; ahead < a_.c + reverse.behind; ++ahead) {
        if (ahead < a_.c) Split(src, diff_dst, strip, ahead);
        if (ahead >= reverse.behind) Join(src, diff_src, strip, ahead - reverse.behind);
      }
    });
  }

 private:
  float* Sums(const Strip& strip) const { return ScratchRow(strip, 0); }
  float* Direct(const Strip& strip, Index c) const { return ScratchRow(strip, 1 + c % window_.taps() * 2); }
  float* Term(const Strip& strip, Index c) const { return ScratchRow(strip, 2 + c % window_.taps() * 2); }

  void Split(const float* src, const float* diff_dst, const Strip& strip, Index c) {
    SumSquares(src, strip, c, Sums(strip));
    const Index at = strip.first + c * space_;
    functions_.split(numbers_, strip.length, src + at, diff_dst + at, Sums(strip), Direct(strip, c), Term(strip, c));
  }

  void Join(const float* src, float* diff_src, const Strip& strip, Index c) {
    const auto row = [&](Index i) { return Term(strip, i); };
    SumRows(RowsIn(window_.reverse(), strip, c, row), strip.length, AddTerm(), Sums(strip));
    const Index at = strip.first + c * space_;
    Map(Combine{numbers_.slope}, stores_, static_cast<size_t>(strip.length), diff_src + at, Direct(strip, c), src + at,
        Sums(strip));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_STRIPS_INL_H
