#include "ops/shape/dropout_simd.h"

#include <functional>

#include "ops/shape/copies.h"
#include "ops/shape/dropout.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/shape/dropout_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// What is not kept becomes 0 even if it is NaN.
struct KeepOrDrop {
  template <class V>
  HWY_ATTR V operator()(V x, V factor) const {
    return hn::IfThenElseZero(hn::Gt(factor, hn::Zero(hn::DFromV<V>())), hn::Mul(x, factor));
  }
};

// The mask is made as it is needed, for a piece that fits the L1 cache. Of the arguments the last is written, from the
// one before it: src, dst forward; src, diff_dst, diff_src in the gradient.
class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(const DropoutAttributes& a, int threads)
      : a_(a),
        scale_(static_cast<float>(1 / (1 - a.p))),
        threads_(threads),
        stores_(stores_for(static_cast<size_t>(a.count) * 2 * sizeof(float))) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* in = arguments[arguments.size() - 2].floats();
    float* out = arguments.back().floats();
    const auto tile = [&](Index index) {
      HWY_ALIGN float factors[kPiece + hn::MaxLanes(hn::ScalableTag<float>())];
      const Index end = std::min(a_.count, (index + 1) * kTile);
      for (Index i = index * kTile; i < end;) {
        const Index count = std::min(kPiece - BeyondLine(out + i), end - i);
        FillFactors(i, count, factors);
        Map(KeepOrDrop(), stores_, static_cast<size_t>(count), out + i, in + i, factors);
        i += count;
      }
      hwy::FlushStream();
    };
    parallel_tiles(threads_, (a_.count + kTile - 1) / kTile, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kTile = Index{64} << 10;
  static constexpr Index kPiece = 1024;

  // Pieces end where cache lines do.
  static Index BeyondLine(const float* p) {
    return static_cast<Index>(reinterpret_cast<std::uintptr_t>(p) / sizeof(float)) % kLineFloats;
  }

  // For elements first, first + 1, ...: the factor where they are kept, else 0. Up to a vector more is written. The
  // hash is that of Wellons, hash-prospector, whose constants leave the least bias of two rounds, with a key in each.
  void FillFactors(Index first, Index count, float* HWY_RESTRICT factors) const {
    const hn::ScalableTag<float> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const hn::RebindToSigned<decltype(d)> di;
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    const auto threshold = hn::Set(di, static_cast<std::int32_t>(a_.threshold));
    const auto scale = hn::Set(d, scale_);
    auto number = hn::Iota(du, static_cast<std::uint32_t>(first) + a_.keys[0]);
    for (Index i = 0; i < count; i += lanes) {
      auto x = hn::Mul(hn::Xor(number, hn::ShiftRight<16>(number)), hn::Set(du, 0x21F0AAADU));
      x = hn::Add(hn::Xor(x, hn::ShiftRight<15>(x)), hn::Set(du, a_.keys[1]));
      x = hn::Mul(x, hn::Set(du, 0x735A2D97U));
      x = hn::ShiftRight<8>(hn::Xor(x, hn::ShiftRight<15>(x)));
      const auto dropped = hn::Lt(hn::BitCast(di, x), threshold);
      hn::Store(hn::IfThenZeroElse(hn::RebindMask(d, dropped), scale), d, factors + i);
      number = hn::Add(number, hn::Set(du, static_cast<std::uint32_t>(lanes)));
    }
  }

  const DropoutAttributes a_;
  const float scale_;
  const int threads_;
  const Stores stores_;
};

std::unique_ptr<Kernel> PrepareDropout(const DropoutAttributes& a, int threads) {
  return std::make_unique<DropoutKernel>(a, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareDropout);

std::vector<Implementation> dropout_simd_implementations() {
  return simd_implementations(
      {.prepare = [](const Case& c, const Pass& pass, const PrepareOptions& options) -> std::unique_ptr<Kernel> {
        const DropoutAttributes a = dropout_attributes(c.attributes);
        if (a.training) return HWY_DYNAMIC_DISPATCH(PrepareDropout)(a, options.threads);
        const size_t from = pass.is_forward() ? 0 : 1;
        return prepare_copies({{.from = from, .to = from + 1, .length = a.count}}, options.threads);
      }});
}

}  // namespace gradproof
#endif
