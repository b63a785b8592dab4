// Gradient of a linear layer with respect to its weights for a few samples.

#if defined(GRADPROOF_LINEAR_PRODUCTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LINEAR_PRODUCTS_INL_H
#undef GRADPROOF_LINEAR_PRODUCTS_INL_H
#else
#define GRADPROOF_LINEAR_PRODUCTS_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "ops/core/implementation.h"
#include "ops/core/memory.h"
#include "ops/linear/linear.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// diff_weights[o][i] = sum over n of diff_dst[n][o] * src[n][i], in one chain as the outer kernel adds it. What it
// costs is writing, so it writes a few rows from end to end: tiles of columns down all rows took 4 to 5 times as long
// (4096 to 4096 features, 1 and 8 samples, Emerald Rapids).
class LinearProducts final : public Kernel {
 public:
  LinearProducts(const LinearAttributes& a, const std::vector<Argument>& arguments, int threads)
      : a_(a),
        threads_(threads),
        packs_(a.mb >= kPackedSamples),
        stores_(packs_ ? Stores::kCached : stores_for(static_cast<size_t>(4 * a.oc * a.ic))),
        diff_dst_(argument_index(arguments, "diff_dst")),
        src_(argument_index(arguments, "src")),
        packed_(packs_ ? zeroed_floats(BlockCount() * Columns() * a.mb) : nullptr) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[static_cast<size_t>(src_)].floats();
    const float* diff_dst = arguments[static_cast<size_t>(diff_dst_)].floats();
    float* out = arguments.back().floats();
    if (packs_) parallel_tiles(threads_, BlockCount(), [&](Index block) { PackBlock(src, block); });
    const Samples samples =
        packs_ ? Samples{packed_.get(), Columns(), Columns() * a_.mb} : Samples{src, a_.ic, Columns()};
    const bool streams = stores_ == Stores::kStreaming && AreWholeLines(out, a_.ic);
    const auto write = streams ? &LinearProducts::WriteRows<kRows, Stores::kStreaming>
                               : &LinearProducts::WriteRows<kRows, Stores::kCached>;
    const Index groups = (a_.oc + kRows - 1) / kRows;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      const Index end = std::min(groups * (thread + 1) / threads_ * kRows, a_.oc);
      Index row = groups * thread / threads_ * kRows;
      for (; row + kRows <= end; row += kRows) (this->*write)(samples, diff_dst + row, out + row * a_.ic);
      for (; row + 2 <= end; row += 2) WriteRows<2, Stores::kCached>(samples, diff_dst + row, out + row * a_.ic);
      if (row < end) WriteRows<1, Stores::kCached>(samples, diff_dst + row, out + row * a_.ic);
      hwy::FlushStream();
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  // Sums that fit the registers beside an operand of as many vectors.
  static constexpr Index kRows = 6, kVectors = HWY_TARGET == HWY_AVX3 ? 4 : 2;
  // From so many samples on a block of columns takes more cache sets than there are, a row of src apart, and what it
  // costs is no longer writing: samples are packed, and sums stored through the cache (32 samples of 4096 to 1000
  // features: 0.71 of the time, Emerald Rapids).
  static constexpr Index kPackedSamples = 16;

  // Columns of a block.
  static Index Columns() { return kVectors * LaneCount(); }
  Index BlockCount() const { return (a_.ic + Columns() - 1) / Columns(); }

  // Where the columns of block b are: sample n at first[b * block + n * pitch].
  struct Samples {
    const float* first;
    Index pitch, block;
  };

  void PackBlock(const float* HWY_RESTRICT src, Index block) const {
    const Index first = block * Columns();
    float* HWY_RESTRICT to = packed_.get() + first * a_.mb;
    for (Index n = 0; n < a_.mb; ++n)
      std::copy_n(src + n * a_.ic + first, std::min(Columns(), a_.ic - first), to + n * Columns());
  }

  template <Index kRows, Stores kStores>
  void WriteRows(const Samples& samples, const float* HWY_RESTRICT diff_dst, float* HWY_RESTRICT out) const {
    const hn::ScalableTag<float> d;
    const auto load = [d](const float* from) HWY_ATTR { return hn::LoadU(d, from); };
    const auto store = [d](hn::Vec<decltype(d)> v, float* to) HWY_ATTR {
      if constexpr (kStores == Stores::kStreaming)
        hn::Stream(v, d, to);
      else
        hn::StoreU(v, d, to);
    };
    const float* src = samples.first;
    Index i = 0;
    for (; i + Columns() <= a_.ic; i += Columns(), src += samples.block) {
      if constexpr (kStores == Stores::kStreaming)
        for (Index r = 0; r < kRows; ++r) TranslateAhead(out + r * a_.ic + i);
      WriteBlock<kRows, kVectors>(src, samples.pitch, diff_dst, out + i, load, store);
    }
    for (; i + LaneCount() <= a_.ic; i += LaneCount(), src += LaneCount())
      WriteBlock<kRows, 1>(src, samples.pitch, diff_dst, out + i, load, store);
    if (i == a_.ic) return;
    const auto rest = static_cast<size_t>(a_.ic - i);
    WriteBlock<kRows, 1>(
        src, samples.pitch, diff_dst, out + i,
        [d, rest](const float* from) HWY_ATTR { return LoadFirst(d, from, rest); },
        [d, rest](hn::Vec<decltype(d)> v, float* to) HWY_ATTR { StoreFirst(v, d, to, rest); });
  }

  template <Index kRows, Index kVectors, class Load, class Store>
  HWY_INLINE void WriteBlock(const float* HWY_RESTRICT src, Index pitch, const float* HWY_RESTRICT diff_dst,
                             float* HWY_RESTRICT out, const Load& load, const Store& store) const {
    const hn::ScalableTag<float> d;
    using V = hn::Vec<decltype(d)>;
    V sum[kRows][kVectors];
#pragma GCC unroll 8
    for (auto& row : sum) std::fill_n(row, kVectors, hn::Zero(d));
    const Index fetched = packs_ ? kRows * kVectors : 0;  // lines of the next block; what is streamed must not be read
    for (Index n = 0; n < a_.mb; ++n) {
      if (n < fetched) hwy::Prefetch(out + n / kVectors * a_.ic + (kVectors + n % kVectors) * LaneCount());
      V right[kVectors];
#pragma GCC unroll 8
      for (Index v = 0; v < kVectors; ++v) right[v] = load(src + n * pitch + v * LaneCount());
#pragma GCC unroll 8
      for (Index r = 0; r < kRows; ++r) {
        const V left = hn::Set(d, diff_dst[n * a_.oc + r]);
#pragma GCC unroll 8
        for (Index v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
      }
    }
#pragma GCC unroll 8
    for (Index r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (Index v = 0; v < kVectors; ++v) store(sum[r][v], out + r * a_.ic + v * LaneCount());
  }

  const LinearAttributes a_;
  const int threads_;
  const bool packs_;
  const Stores stores_;
  const int diff_dst_, src_;
  const AlignedMemory<float> packed_;  // [block][sample][column]
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LINEAR_PRODUCTS_INL_H
