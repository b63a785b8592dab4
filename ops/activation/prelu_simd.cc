#include "ops/activation/prelu_simd.h"

#include <functional>

#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activation/prelu_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/block_sums-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// `scaled` where x > 0 does not hold; NaN is not on that side.
struct ScaledBySign {
  template <class V>
  HWY_ATTR V operator()(V x, V y) const {
    return hn::IfThenElse(hn::Le(x, hn::Zero(hn::DFromV<V>())), hn::Mul(hn::Set(hn::DFromV<V>(), slope), y), y);
  }
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return (*this)(x, x);
  }
  float slope;
};

struct NegativeProducts {
  template <class V>
  HWY_ATTR void operator()(V (&sums)[1], V x, V diff) const {
    const auto counts = hn::Le(x, hn::Zero(hn::DFromV<V>()));
    sums[0] = hn::Add(sums[0], hn::IfThenElseZero(counts, hn::Mul(x, diff)));
  }
};

// Planes of one channel and sample, some of them a tile.
class PreluKernel final : public Kernel {
 public:
  PreluKernel(const Shape& shape, const Pass& pass, int threads)
      : samples_(shape[0]),
        channels_(shape[1]),
        plane_(element_count(shape) / (samples_ * channels_)),
        pass_(pass),
        threads_(threads),
        stores_(stores_for(static_cast<size_t>(element_count(shape)) * sizeof(float) * (pass.is_forward() ? 2 : 3))) {}

  // Arguments: src, slope, dst forward; src, slope, diff_dst, and diff_src or diff_slope in a gradient.
  void run(std::span<const TensorRef> arguments) override {
    if (pass_.slot == "slope") return SumChannels(arguments);
    const Index planes = samples_ * channels_, planes_a_tile = std::max<Index>(1, kTile / plane_);
    const auto tile = [&](Index index) {
      const Index end = std::min(planes, (index + 1) * planes_a_tile);
      for (Index plane = index * planes_a_tile; plane < end; ++plane) Scale(arguments, plane);
      hwy::FlushStream();
    };
    parallel_tiles(threads_, (planes + planes_a_tile - 1) / planes_a_tile, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kTile = Index{64} << 10;

  void Scale(std::span<const TensorRef> arguments, Index plane) const {
    const ScaledBySign scaled{arguments[1].floats()[plane % channels_]};
    const auto at = [&](size_t argument) { return arguments[argument].floats() + plane * plane_; };
    const auto count = static_cast<size_t>(plane_);
    if (pass_.is_forward())
      Map(scaled, stores_, count, at(2), at(0));
    else
      Map(scaled, stores_, count, at(3), at(0), at(2));
  }

  void SumChannels(std::span<const TensorRef> arguments) const {
    const auto tile = [&](Index c) {
      double total = 0;
      NoFetch nothing;
      ForEachBlock(Channel{samples_, plane_, channels_ * plane_}, [&](const Channel& block, Index offset) {
        const Index first = c * plane_ + offset;
        const float neutral[] = {0, 0};
        double sum = 0;
        SumBlock<1>(nothing, NegativeProducts(), block, neutral, &sum, arguments[0].floats() + first,
                    arguments[2].floats() + first);
        total += sum;
      });
      arguments[3].floats()[c] = static_cast<float>(total);
    };
    parallel_tiles(threads_, channels_, std::cref(tile));
  }

  const Index samples_, channels_, plane_;
  const Pass pass_;
  const int threads_;
  const Stores stores_;
};

std::unique_ptr<Kernel> PreparePrelu(const Case& c, const Pass& pass, const PrepareOptions& options) {
  return std::make_unique<PreluKernel>(*c.spec->find_slot("src")->shape(c.attributes), pass, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PreparePrelu);

std::vector<Implementation> prelu_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PreparePrelu)(plan...); },
       .depth = [](const Case&, const Pass&,
                   std::string_view slot) { return slot == "diff_slope" ? 1 + kSumDepth : 1; }});
}

}  // namespace gradproof
#endif
