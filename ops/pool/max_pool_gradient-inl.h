// The gradient of max_pool.

#if defined(GRADPROOF_MAX_POOL_GRADIENT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_MAX_POOL_GRADIENT_INL_H
#undef GRADPROOF_MAX_POOL_GRADIENT_INL_H
#else
#define GRADPROOF_MAX_POOL_GRADIENT_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/max_pool.h"
#include "ops/pool/phase_rows-inl.h"
#include "ops/pool/pool_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;

HWY_INLINE hn::Vec<DI> LoadTaps(const std::int32_t* from, size_t count) { return LoadFirst(DI(), from, count); }
HWY_INLINE hn::Vec<DI> LoadTaps(const std::uint8_t* from, size_t count) {
  return hn::PromoteTo(DI(), LoadFirst(hn::Rebind<std::uint8_t, DI>(), from, count));
}

// A tap as the gradient sees it: from where to read, and its number within a slice of the window.
struct GradientTap {
  Index offset;
  std::int32_t number;
};

// sum[i] (+)= sum over taps of (argmax[i + offset] == number ? diff[i + offset] : 0).
HWY_NOINLINE inline void RouteGradient(const float* HWY_RESTRICT diff, const std::int32_t* HWY_RESTRICT argmax,
                                       const std::vector<GradientTap>& taps, std::int32_t first, bool accumulate,
                                       Index count, float* HWY_RESTRICT sum) {
  const D d;
  const DI di;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto routed = [&](Index i, hn::Vec<DI> number) HWY_ATTR {
    const auto chosen = hn::Eq(hn::LoadU(di, argmax + i), number);
    return hn::IfThenElseZero(hn::RebindMask(d, chosen), hn::LoadU(d, diff + i));
  };
  for (Index i = 0; i < count; i += 2 * lanes) {
    auto low = accumulate ? hn::Load(d, sum + i) : hn::Zero(d);
    auto high = accumulate ? hn::Load(d, sum + i + lanes) : hn::Zero(d);
    for (const GradientTap& tap : taps) {
      const auto number = hn::Set(di, first + tap.number);
      low = hn::Add(low, routed(i + tap.offset, number));
      high = hn::Add(high, routed(i + lanes + tap.offset, number));
    }
    hn::Store(low, d, sum + i);
    hn::Store(high, d, sum + i + lanes);
  }
}

// Gathers instead of scattering: each element sums what the windows over it send, tap by tap in a fixed order; every
// element is written once. diff_dst and argmax are laid out with gaps of "no tap" between rows, so that no edge needs a
// branch; the phases of the input interleave when they are stored.
template <typename T>
class MaxPoolGradient final : public PoolKernel {
 public:
  MaxPoolGradient(const MaxPoolAttributes& a, int threads) : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads) {
    const Index phases = g_.h.stride * g_.w.stride;
    pitch_ = std::max(g_.w.in_cells(), g_.w.out + g_.w.max_shift());
    PlanBands(g_.h.in_cells(), 8 * pitch_ + 4 * phases * pitch_ + 4 * g_.h.stride * g_.w.in);
    cell_rows_ = band_rows_ + g_.h.max_shift();
    plane_size_ = WithSlack(images_ * cell_rows_ * pitch_);
    PlanTaps();
    for (Index i = 0; i < g_.w.stride; ++i)
      columns_.push_back((i + g_.w.pad) % g_.w.stride * plane_size_ + (i + g_.w.pad) / g_.w.stride);
    for (int thread = 0; thread < threads_; ++thread) {
      workspaces_.push_back({Filled(Lead() + plane_size_, 0.0F),
                             Filled(Lead() + plane_size_, std::int32_t{-1}),
                             Filled(phases * plane_size_, 0.0F),
                             Filled(images_ * band_rows_ * g_.h.stride * g_.w.in + kSlack, 0.0F),
                             {}});
      workspaces_.back().rows.reserve(At(band_rows_ * g_.h.stride));
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const T* argmax = static_cast<const T*>(arguments[1].data);
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      const Index first = std::max<Index>(band.row * g_.h.stride - g_.h.pad, 0);
      const Index last = std::min((band.row + band_rows_) * g_.h.stride - g_.h.pad, g_.h.in);
      if (first >= last) return;
      Workspace& space = workspaces_[At(thread)];
      SumBand(space, argmax + band.plane * g_.out_count(), diff_dst + band.plane * g_.out_count(), band);
      PlanRows(space.rows, first + g_.h.pad, last + g_.h.pad, band.row);
      const Index size = (last - first) * g_.w.in;
      for (Index image = 0; image < band.images; ++image)
        MergePhases(space.sums.get() + image * cell_rows_ * pitch_, space.rows, columns_, g_.w.in,
                    space.diff_src.get() + image * size);
      Map(Copy(), stores_, At(band.images * size),
          diff_src + ((band.plane * g_.d.in + band.slice) * g_.h.in + first) * g_.w.in, space.diff_src.get());
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> diff;           // [image][row of windows][pitch], behind Lead() elements
    AlignedMemory<std::int32_t> argmax;  // as diff; -1 in gaps
    AlignedMemory<float> sums;           // [phase h][phase w][image][row][pitch]
    AlignedMemory<float> diff_src;       // [image][row][iw]
    std::vector<Index> rows;
  };

  // Taps for each phase of the input, by (phase h, phase w).
  void PlanTaps() {
    taps_.resize(At(g_.h.stride * g_.w.stride));
    for (Index kh = 0; kh < g_.h.kernel; ++kh)
      for (Index kw = 0; kw < g_.w.kernel; ++kw) {
        const Index phase = g_.h.phases[At(g_.h.plane[At(kh)])] * g_.w.stride + g_.w.phases[At(g_.w.plane[At(kw)])];
        taps_[At(phase)].push_back({(g_.h.max_shift() - g_.h.shift[At(kh)]) * pitch_ - g_.w.shift[At(kw)],
                                    static_cast<std::int32_t>(kh * g_.w.kernel + kw)});
      }
  }

  Index Lead() const { return kSlack + g_.w.max_shift(); }

  // Where rows first ... last - 1 of the padded input lie in the sums of an image whose first row of cells is `cell`.
  void PlanRows(std::vector<Index>& rows, Index first, Index last, Index cell) const {
    rows.clear();
    for (Index row = first; row < last; ++row)
      rows.push_back(row % g_.h.stride * g_.w.stride * plane_size_ + (row / g_.h.stride - cell) * pitch_);
  }

  void SumBand(Workspace& space, const T* argmax, const float* diff_dst, const Band& band) const {
    float* diff = space.diff.get() + Lead();
    std::int32_t* taps = space.argmax.get() + Lead();
    bool accumulate = false;
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index start = band.slice + g_.d.pad - kd * g_.d.dilation;
      const Index od = start / g_.d.stride;
      if (start < 0 || start % g_.d.stride != 0 || od >= g_.d.out) continue;
      for (Index image = 0; image < band.images; ++image) {
        const Index from = image * g_.out_count() + od * g_.h.out * g_.w.out;
        const Index to = image * cell_rows_ * pitch_;
        LayOut(argmax + from, diff_dst + from, band.row - g_.h.max_shift(), diff + to, taps + to);
      }
      const auto first = static_cast<std::int32_t>(kd * g_.h.kernel * g_.w.kernel);
      const Index count = (band.images * cell_rows_ - g_.h.max_shift()) * pitch_;
      for (size_t phase = 0; phase < taps_.size(); ++phase)
        RouteGradient(diff, taps, taps_[phase], first, accumulate, count,
                      space.sums.get() + static_cast<Index>(phase) * plane_size_);
      accumulate = true;
    }
    if (!accumulate) std::fill_n(space.sums.get(), static_cast<Index>(taps_.size()) * plane_size_, 0.0F);
  }

  // Rows oh ... oh + cell_rows - 1 of windows, as far as there are such. The vector that ends a row writes "no tap"
  // beyond it.
  void LayOut(const T* argmax, const float* diff_dst, Index oh, float* diff, std::int32_t* taps) const {
    const D d;
    const DI di;
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    const auto none = hn::Set(di, -1);
    const Index above = std::clamp<Index>(-oh, 0, cell_rows_);
    const Index inside = std::clamp<Index>(g_.h.out - oh, above, cell_rows_);
    const Index whole = g_.w.out / lanes * lanes;
    const auto rest = static_cast<size_t>(g_.w.out - whole);
    const auto valid = hn::FirstN(di, rest);
    std::fill_n(taps, above * pitch_, -1);
    for (Index row = above; row < inside; ++row) {
      const T* HWY_RESTRICT from = argmax + (oh + row) * g_.w.out;
      const float* HWY_RESTRICT diff_from = diff_dst + (oh + row) * g_.w.out;
      std::int32_t* HWY_RESTRICT to = taps + row * pitch_;
      float* HWY_RESTRICT diff_to = diff + row * pitch_;
      for (Index i = 0; i < whole; i += lanes) {
        hn::StoreU(LoadTaps(from + i, At(lanes)), di, to + i);
        hn::StoreU(hn::LoadU(d, diff_from + i), d, diff_to + i);
      }
      if (rest == 0) continue;
      hn::StoreU(hn::IfThenElse(valid, LoadTaps(from + whole, rest), none), di, to + whole);
      hn::StoreU(LoadFirst(d, diff_from + whole, rest), d, diff_to + whole);
    }
    std::fill_n(taps + inside * pitch_, (cell_rows_ - inside) * pitch_, -1);
  }

  Index pitch_ = 0;       // cells of a row
  Index cell_rows_ = 0;   // rows of windows of an image
  Index plane_size_ = 0;  // cells of a phase
  std::vector<Index> columns_;
  std::vector<std::vector<GradientTap>> taps_;
  std::vector<Workspace> workspaces_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_MAX_POOL_GRADIENT_INL_H
