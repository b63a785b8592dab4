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
#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/routed_rows-inl.h"
#include "ops/pool/routed_sweep-inl.h"
#include "ops/pool/tap_numbers-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Copies `rows` rows of `width` windows; argmax is widened, and counts from `first`. Touches nothing beyond, except up
// to a vector that it fills with "no tap" where a row is shorter than one.
template <typename T>
HWY_NOINLINE void CopyWindows(const float* HWY_RESTRICT diff, const T* HWY_RESTRICT argmax, Index rows, Index width,
                              std::int32_t first, float* HWY_RESTRICT to_diff, std::int32_t* HWY_RESTRICT to_argmax,
                              Index pitch) {
  const D d;
  const DI di;
  const RowVectors vectors(width);
  const auto offset = hn::Set(di, first);
  const auto valid = hn::FirstN(di, At(std::min(width, Lanes())));
  for (; rows > 0; --rows, diff += width, argmax += width, to_diff += pitch, to_argmax += pitch) {
    if (width < Lanes()) {
      const auto taps = WideTaps::Load(argmax, At(width)) - offset;
      hn::StoreU(LoadFirst(d, diff, At(width)), d, to_diff);
      hn::StoreU(hn::IfThenElse(valid, taps, hn::Set(di, kNoTap)), di, to_argmax);
      continue;
    }
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Index i = vectors.Position(vector);
      hwy::Prefetch(diff + i + kPrefetchAhead);
      hn::StoreU(hn::LoadU(d, diff + i), d, to_diff + i);
      hn::StoreU(WideTaps::Load(argmax + i) - offset, di, to_argmax + i);
    }
  }
}

// Gathers instead of scattering: each element sums what the windows over it send, in a fixed order; every element is
// written once. Rows of windows lie between gaps of "no tap", so that no end of a row needs a branch.
template <typename T>
class MaxPoolGradient final : public PoolKernel {
 public:
  MaxPoolGradient(const MaxPoolAttributes& a, int threads)
      : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads),
        route_(ChooseRoute(g_)),
        gap_(WholeLines(g_.w.extent() / g_.w.stride + 1)),
        pitch_(gap_ + WholeLines(std::max(g_.w.out, g_.w.in / g_.w.stride + gap_) + Lanes())) {
    PlanBands((g_.h.in + g_.h.stride - 1) / g_.h.stride, 8 * pitch_ * g_.d.kernel);
    slice_rows_ = band_rows_ + g_.h.extent() / g_.h.stride + 2;
    const Index windows = g_.d.kernel * slice_rows_ * pitch_ + gap_;
    const bool overruns = g_.w.in % g_.w.stride != 0 || g_.w.in / g_.w.stride < Lanes();
    const Index overrun = Lanes() * g_.w.stride;
    tail_rows_ = overruns ? (overrun + g_.w.in - 1) / g_.w.in : 0;
    step_rows_ = std::max<Index>(1, kStagedBytes / (4 * g_.h.stride * g_.w.in)) * g_.h.stride;
    const Index staged = (std::max(step_rows_, tail_rows_) + g_.h.stride) * g_.w.in + overrun;
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back(
          {Filled(windows, 0.0F), Filled(windows, kNoTap), Filled(WholeLines(staged) + kLineFloats, 0.0F)});
  }

  void run(std::span<const TensorRef> arguments) override {
    const T* argmax = static_cast<const T*>(arguments[1].data);
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index first = band.row * g_.h.stride;
      const Index count = std::min(band.rows * g_.h.stride, g_.h.in - first);
      const Index from = band.plane * g_.out_count();
      float* to = diff_src + ((band.plane * g_.d.in + band.slice) * g_.h.in + first) * g_.w.in;
      const Windows windows = LayOut(diff_dst + from, argmax + from, band.slice, first, count, space);
      if (stores_ == Stores::kStreaming)
        Stream(windows, first, count, to, space);
      else
        Write(windows, first, count, to, space);
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> diff;  // [kd][row of windows][pitch], behind a gap
    AlignedMemory<std::int32_t> argmax;
    AlignedMemory<float> diff_src;  // [row][iw]
  };

  // In place, except for the last rows of the band: what overruns the others is overwritten by those below.
  void Write(const Windows& windows, Index first, Index count, float* to, Workspace& space) const {
    const Index direct = std::max<Index>(0, (count - tail_rows_) / g_.h.stride * g_.h.stride);
    const Index rest = count - direct;
    route_(g_, windows, first, direct, to);
    if (rest == 0) return;
    route_(g_, windows, first + direct, rest, space.diff_src.get());
    Map(Copy(), Stores::kCached, At(rest * g_.w.in), to + direct * g_.w.in, space.diff_src.get());
  }

  // A few rows at a time, so that memory takes them in while the next are summed.
  void Stream(const Windows& windows, Index first, Index count, float* to, Workspace& space) const {
    LineStream out(Stores::kStreaming, space.diff_src.get(), to);
    for (Index row = 0; row < count; row += step_rows_) {
      const Index rows = std::min(step_rows_, count - row);
      route_(g_, windows, first + row, rows, out.next());
      out.push(rows * g_.w.in);
    }
    out.finish();
  }

  // The windows over rows first ... first + count - 1 of a slice of inputs.
  Windows LayOut(const float* diff_dst, const T* argmax, Index slice, Index first, Index count,
                 Workspace& space) const {
    const Index groups = (count + g_.h.stride - 1) / g_.h.stride;
    const Index low = g_.h.first_window(first);
    const Index high = (first + groups * g_.h.stride - 1 + g_.h.pad) / g_.h.stride + 1;
    const Index begin = std::clamp<Index>(low, 0, g_.h.out);
    const Index end = std::clamp<Index>(high, begin, g_.h.out);
    Windows windows{space.diff.get() + gap_ - low * pitch_, space.argmax.get() + gap_ - low * pitch_, pitch_, 0,
                    slice_rows_ * pitch_};
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index od = g_.d.window_of(slice, kd);
      if (od < 0) continue;
      const Index from = (od * g_.h.out + begin) * g_.w.out;
      const Index at = gap_ + windows.slices++ * windows.slice_size;
      std::int32_t* taps = space.argmax.get() + at;
      std::fill_n(taps, (begin - low) * pitch_, kNoTap);
      CopyWindows(diff_dst + from, argmax + from, end - begin, g_.w.out,
                  static_cast<std::int32_t>(kd * g_.h.kernel * g_.w.kernel),
                  space.diff.get() + at + (begin - low) * pitch_, taps + (begin - low) * pitch_, pitch_);
      std::fill_n(taps + (end - low) * pitch_, (high - end) * pitch_, kNoTap);
    }
    return windows;
  }

  const RouteFunction route_;
  const Index gap_;       // windows beside a row
  const Index pitch_;     // from one row of windows to the next
  Index tail_rows_ = 0;   // that overrun the last row of a band
  Index step_rows_ = 0;   // staged at a time
  Index slice_rows_ = 0;  // rows of windows that a band sees of a slice
  std::vector<Workspace> workspaces_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_MAX_POOL_GRADIENT_INL_H
