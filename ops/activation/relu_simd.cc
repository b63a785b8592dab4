#include "ops/activation/relu_simd.h"

#include <functional>

#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activation/relu_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Comparisons with NaN are false, so NaN stays; -0 < 0 is false too.
struct Relu {
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(hn::DFromV<V>())), x);
  }
};

struct ReluGradient {
  template <class V>
  HWY_ATTR V operator()(V x, V diff) const {
    return hn::IfThenZeroElse(hn::Le(x, hn::Zero(hn::DFromV<V>())), diff);
  }
};

// Arguments: src, dst forward; src, diff_dst, diff_src in the gradient.
class ReluKernel final : public Kernel {
 public:
  ReluKernel(Index count, bool forward, int threads)
      : count_(count),
        forward_(forward),
        threads_(threads),
        stores_(stores_for(static_cast<size_t>(count) * sizeof(float) * (forward ? 2 : 3))) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto tile = [&](Index index) {
      const Index first = index * kTile;
      const auto count = static_cast<size_t>(std::min(kTile, count_ - first));
      const auto at = [&](size_t argument) { return arguments[argument].floats() + first; };
      if (forward_)
        Map(Relu(), stores_, count, at(1), at(0));
      else
        Map(ReluGradient(), stores_, count, at(2), at(0), at(1));
      hwy::FlushStream();
    };
    parallel_tiles(threads_, (count_ + kTile - 1) / kTile, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  // 256 KiB a tensor: some 20 microseconds, below which a second thread does not pay.
  static constexpr Index kTile = Index{64} << 10;

  const Index count_;
  const bool forward_;
  const int threads_;
  const Stores stores_;
};

std::unique_ptr<Kernel> Prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const Index count = element_count(*c.spec->find_slot("src")->shape(c.attributes));
  return std::make_unique<ReluKernel>(count, pass.is_forward(), options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(Prepare);

std::vector<Implementation> relu_simd_implementations() {
  return simd_implementations(
      {.unsupported = nullptr,
       .prepare = [](const Case& c, const Pass& pass,
                     const PrepareOptions& options) { return HWY_DYNAMIC_DISPATCH(Prepare)(c, pass, options); },
       .depth = nullptr});
}

}  // namespace gradproof
#endif
