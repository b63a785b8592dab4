#include "ops/conv/plane_stencil.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "ops/core/memory.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/plane_stencil_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/lanes-inl.h"
#include "ops/simd/shifted_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET <= HWY_AVX3

// kRows rows of a plane's result, from kRows + 2 rows of the plane.
template <int kRows>
struct PlaneBand {
  std::array<const float*, kRows + 2> in;
  const float* weights;  // 3 x 3, in the order of the taps' places
  float bias;            // added last
  float* out;
  Index width;  // of all rows
  bool fetches;
};

// Every element of the band is a chain of multiply-adds in the order of the taps, padding being zero. A vector of each
// row is loaded once, and its neighbours come from registers: loads at the taps' own distances cross cache lines, and
// took as long as the multiply-adds again (144 channels of 56x56, Zen 4: 0.5 of the time).
template <int kRows>
HWY_NOINLINE void SumBand(const PlaneBand<kRows>& band) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const Index lanes = LaneCount();
  const Index width = band.width;
  V weights[9];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) weights[t] = hn::Set(d, band.weights[t]);
  const V bias = hn::Set(d, band.bias);
  const float* in[kRows + 2];
  V before[kRows + 2], here[kRows + 2];
#pragma GCC unroll 8
  for (int r = 0; r < kRows + 2; ++r) {
    in[r] = band.in[static_cast<size_t>(r)];
    before[r] = hn::Zero(d);
    here[r] = hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(std::min(width, lanes))), d, in[r]);
  }
  const bool fetches = band.fetches;
  float* const out = band.out;
  for (Index i = 0; i < width; i += lanes) {
    const auto inside = hn::FirstN(d, static_cast<size_t>(std::min(width - i, lanes)));
    const auto next_inside = hn::FirstN(d, static_cast<size_t>(std::clamp<Index>(width - i - lanes, 0, lanes)));
    V sum[kRows];
#pragma GCC unroll 8
    for (int q = 0; q < kRows; ++q) sum[q] = hn::Zero(d);
#pragma GCC unroll 8
    for (int r = 0; r < kRows + 2; ++r) {
      const V behind = hn::MaskedLoad(next_inside, d, in[r] + i + lanes);
      if (fetches && r >= 2) PrefetchFar(in[r] + i + kPrefetchAhead);
      const V columns[3] = {AcrossVectors<hn::MaxLanes(d) - 1>(before[r], here[r]), here[r],
                            AcrossVectors<1>(here[r], behind)};
#pragma GCC unroll 3
      for (int w = 0; w < 3; ++w)
#pragma GCC unroll 8
        for (int q = 0; q < kRows; ++q)
          if (r >= q && r - q < 3) sum[q] = hn::MulAdd(weights[(r - q) * 3 + w], columns[w], sum[q]);
      before[r] = here[r];
      here[r] = behind;
    }
#pragma GCC unroll 8
    for (int q = 0; q < kRows; ++q) hn::BlendedStore(hn::Add(sum[q], bias), inside, d, out + q * width + i);
  }
}

// Rows of up to half a vector are left to lanes of channels (7x7: 0.71 of the time; 12x12 1.35, 16x16 1.75, Zen 4).
bool Suits(const ConvShape& s, bool forward) {
  const auto keeps_size = [](const WindowAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.pad_lo == 1 && axis.out() == axis.in;
  };
  const auto& [d, h, w] = s.window.axes;
  return s.ic_per_group() == 1 && s.weights_channels() == 1 && (forward || s.oc_per_group() == 1) && d.in == 1 &&
         d.out() == 1 && d.kernel == 1 && keeps_size(h) && keeps_size(w) && 2 * w.in > LaneCount();
}

// A plane of the result at a time.
class PlaneStencil final : public ConvSum {
 public:
  PlaneStencil(const ConvShape& s, bool forward, int threads)
      : planes_(s.mb * s.oc),
        channels_(s.oc),
        outputs_(s.oc_per_group()),
        height_(s.window.axes[1].in),
        width_(s.window.axes[2].in),
        threads_(threads),
        fetches_(stores_for(static_cast<size_t>(4 * s.mb * (s.ic + s.oc) * height_ * width_)) == Stores::kStreaming),
        padding_(zeroed_floats(width_)) {
    std::iota(taps_.begin(), taps_.end(), 0);
    if (!forward) std::reverse(taps_.begin(), taps_.end());
  }

  void run(const float* source, const float* weights, const float* bias, float* output) override {
    const Index size = height_ * width_;
    parallel_tiles(threads_, planes_, [&](Index plane) {
      const Index channel = plane % channels_;
      std::array<float, 9> ordered;
      for (size_t t = 0; t < 9; ++t) ordered[t] = weights[channel * 9 + taps_[t]];
      // x + -0 is x, also for x = -0
      RunPlane(source + plane / outputs_ * size, ordered.data(), bias == nullptr ? -0.0F : bias[channel],
               output + plane * size);
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kRows = 4;

  void RunPlane(const float* in, const float* weights, float bias, float* out) const {
    if (height_ < kRows)
      for (Index row = 0; row < height_; ++row) RunRows<1>(in, weights, bias, out, row);
    else  // the last band overlaps its neighbour, and computes the same again
      for (Index row = 0; row < height_; row += kRows)
        RunRows<kRows>(in, weights, bias, out, std::min(row, height_ - kRows));
  }

  template <int kCount>
  void RunRows(const float* in, const float* weights, float bias, float* out, Index row) const {
    PlaneBand<kCount> band{{}, weights, bias, out + row * width_, width_, fetches_};
    for (Index r = 0; r < kCount + 2; ++r) {
      const Index from = row + r - 1;
      band.in[static_cast<size_t>(r)] = from >= 0 && from < height_ ? in + from * width_ : padding_.get();
    }
    SumBand(band);
  }

  const Index planes_, channels_, outputs_;  // of the result; channels of a group
  const Index height_, width_;
  const int threads_;
  const bool fetches_;
  const AlignedMemory<float> padding_;  // a row
  std::array<Index, 9> taps_{};         // by place
};

std::unique_ptr<ConvSum> PlanPlaneStencil(const ConvShape& shape, bool forward, int threads) {
  if (!Suits(shape, forward)) return nullptr;
  return std::make_unique<PlaneStencil>(shape, forward, threads);
}

#else

std::unique_ptr<ConvSum> PlanPlaneStencil(const ConvShape&, bool, int) { return nullptr; }

#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanPlaneStencil);

std::unique_ptr<ConvSum> plan_plane_stencil(const ConvShape& shape, bool forward, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanPlaneStencil)(shape, forward, threads);
}

}  // namespace gradproof
#endif  // HWY_ONCE
