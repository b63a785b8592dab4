#include "ops/pool/subsample_simd.h"

#include <functional>
#include <numeric>

#include "ops/pool/geometry.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/subsample_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/window_sum_forward-inl.h"
#include "ops/pool/window_sum_gradient-inl.h"
#include "ops/simd/block_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Channels of a batch, and the rows of windows of each.
struct Planes {
  Index mb, c;
  Index rows;
  Index elements;  // windows

  Planes(const Attributes& attributes, const Window& window)
      : mb(attributes.integer("mb")),
        c(attributes.integer("c")),
        rows(window.axes[0].out() * window.axes[1].out()),
        elements(window.out_count()) {}
  Index ChannelOf(Index row) const { return row / rows % c; }
};

// sum * coefficient + bias, of the channel of each row.
struct Scaled {
  struct Row {
    float coefficient, bias;
    HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> sum, Index) const {
      return hn::MulAdd(sum, hn::Set(D(), coefficient), hn::Set(D(), bias));
    }
  };
  HWY_INLINE Row OfRow(Index row) const {
    const size_t channel = At(planes.ChannelOf(first + row));
    return {coefficient[channel], bias[channel]};
  }

  const Planes& planes;
  Index first;
  const float *coefficient, *bias;
};

// diff_dst * coefficient, of the channel of each row.
struct Weighted {
  struct Row {
    float coefficient;
    HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> diff, Index) const { return hn::Mul(diff, hn::Set(D(), coefficient)); }
  };
  HWY_INLINE Row OfRow(Index row) const { return {coefficient[At(planes.ChannelOf(first + row))]}; }

  const Planes& planes;
  Index first;
  const float* coefficient;
};

class SubsampleForward final : public WindowSumForward {
 public:
  SubsampleForward(const Planes& planes, const Window& window, int threads)
      : WindowSumForward(PoolGeometry(planes.mb * planes.c, window), threads), planes_(planes) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto scaled = [&](const WindowRow& row) {
      return Scaled{planes_, row.row, arguments[1].floats(), arguments[2].floats()};
    };
    WriteWindows(arguments[0].floats(), arguments[3].floats(), scaled);
  }

 private:
  const Planes planes_;
};

class SubsampleGradient final : public WindowSumGradient {
 public:
  SubsampleGradient(const Planes& planes, const Window& window, int threads)
      : WindowSumGradient(PoolGeometry(planes.mb * planes.c, window), false, threads), planes_(planes) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto weighted = [&](const WindowRow& row) { return Weighted{planes_, row.row, arguments[1].floats()}; };
    Gather(arguments[3].floats(), arguments[4].floats(), weighted);
  }

 private:
  const Planes planes_;
};

// The sum of products a * b in double.
double DotRow(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, Index count) {
  using DD = hn::ScalableTag<double>;
  const DD d;
  const hn::Rebind<float, DD> df;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  Index i = 0;
  for (; i + lanes <= count; i += lanes)
    sum = hn::MulAdd(hn::PromoteTo(d, hn::LoadU(df, a + i)), hn::PromoteTo(d, hn::LoadU(df, b + i)), sum);
  if (i < count)
    sum = hn::MulAdd(hn::PromoteTo(d, LoadFirst(df, a + i, At(count - i))),
                     hn::PromoteTo(d, LoadFirst(df, b + i, At(count - i))), sum);
  HWY_ALIGN double parts[hn::MaxLanes(DD())];
  hn::Store(sum, d, parts);
  return std::accumulate(parts, parts + lanes, 0.0);
}

// diff_coefficient: window sums times diff_dst, a total for each row of windows, and then over the rows of a channel,
// in an order that only the shape decides.
class CoefficientGradient final : public WindowSumForward {
 public:
  CoefficientGradient(const Planes& planes, const Window& window, int threads)
      : WindowSumForward(PoolGeometry(planes.mb * planes.c, window), threads),
        planes_(planes),
        totals_(At(planes.mb * planes.c * planes.rows)) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[3].floats();
    VisitWindows(arguments[0].floats(), [&](Index first, Index rows, const float* sums) {
      for (Index row = 0; row < rows; ++row)
        totals_[At(first + row)] = DotRow(sums + row * g_.w.out, diff_dst + (first + row) * g_.w.out, g_.w.out);
    });
    for (Index c = 0; c < planes_.c; ++c) {
      double sum = 0;
      for (Index n = 0; n < planes_.mb; ++n) {
        const double* of_plane = totals_.data() + (n * planes_.c + c) * planes_.rows;
        sum = std::accumulate(of_plane, of_plane + planes_.rows, sum);
      }
      arguments[4].floats()[c] = static_cast<float>(sum);
    }
  }

 private:
  const Planes planes_;
  std::vector<double> totals_;  // of rows of windows
};

// diff_bias: the sum of diff_dst over a channel.
class BiasGradient final : public Kernel {
 public:
  BiasGradient(const Planes& planes, int threads) : planes_(planes), threads_(threads) {}

  void run(std::span<const TensorRef> arguments) override {
    const Channel channel{planes_.mb, planes_.elements, planes_.c * planes_.elements};
    const auto tile = [&](Index c) {
      arguments[4].floats()[c] =
          static_cast<float>(ChannelTotal(channel, arguments[3].floats() + c * planes_.elements));
    };
    parallel_tiles(planes_.c * channel.count() < kSerialElements ? 1 : threads_, planes_.c, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  const Planes planes_;
  const int threads_;
};

std::unique_ptr<Kernel> PrepareSubsample(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const Window window = window_of(c.attributes);
  const Planes planes(c.attributes, window);
  if (pass.is_forward()) return std::make_unique<SubsampleForward>(planes, window, options.threads);
  if (pass.slot == "src") return std::make_unique<SubsampleGradient>(planes, window, options.threads);
  if (pass.slot == "coefficient") return std::make_unique<CoefficientGradient>(planes, window, options.threads);
  return std::make_unique<BiasGradient>(planes, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareSubsample);

namespace {

// What is summed over a channel is summed in double, of products that are exact in it, and rounded once.
double subsample_simd_depth(const Case& c, const Pass& pass, std::string_view slot) {
  if (pass.slot == "coefficient") return static_cast<double>(window_of(c.attributes).taps()) + kSumDepth;
  if (pass.slot == "bias") return 1 + kSumDepth;
  return c.spec->depth(c.attributes, pass, slot);
}

}  // namespace

std::vector<Implementation> subsample_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareSubsample)(plan...); },
       .depth = subsample_simd_depth});
}

}  // namespace gradproof
#endif
