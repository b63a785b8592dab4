#include "ops/loss/pointwise_simd.h"

#include <functional>

#include "ops/activation/class_panels.h"
#include "ops/simd/block_sums.h"
#include "ops/simd/math.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/loss/pointwise_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/activation/class_panels-inl.h"
#include "ops/core/memory.h"
#include "ops/simd/math-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// The table of losses: value, slope in x, and slope in t. Those of differences are functions of d = x - t.
template <class F>
struct OfDifference {
  F f;
  HWY_INLINE PanelV Value(PanelV x, PanelV t) const { return f.Value(hn::Sub(x, t)); }
  HWY_INLINE PanelV Slope(PanelV x, PanelV t) const { return f.Slope(hn::Sub(x, t)); }
  HWY_INLINE PanelV SlopeInTarget(PanelV x, PanelV t) const { return hn::Neg(f.Slope(hn::Sub(x, t))); }
};

struct Square {
  HWY_INLINE PanelV Value(PanelV d) const { return hn::Mul(d, d); }
  HWY_INLINE PanelV Slope(PanelV d) const { return hn::Add(d, d); }
};

struct Magnitude {
  HWY_INLINE PanelV Value(PanelV d) const { return hn::Abs(d); }
  // NaN counts as positive.
  HWY_INLINE PanelV Slope(PanelV d) const {
    const PanelV zero = hn::Zero(PanelD());
    const PanelV one = hn::IfThenElse(hn::Lt(d, zero), Constant<PanelV>(-1), Constant<PanelV>(1));
    return hn::IfThenZeroElse(hn::Eq(d, zero), one);
  }
};

// c (d - c / 2), where c is d kept within [-delta, delta].
struct Huber {
  float delta;
  HWY_INLINE PanelV Value(PanelV d) const {
    const PanelV c = Slope(d);
    return hn::Mul(c, hn::NegMulAdd(Constant<PanelV>(0.5F), c, d));
  }
  HWY_INLINE PanelV Slope(PanelV d) const {
    const PanelV below = hn::IfThenElse(hn::Lt(d, Constant<PanelV>(-delta)), Constant<PanelV>(-delta), d);
    return hn::IfThenElse(hn::Le(d, Constant<PanelV>(delta)), below, Constant<PanelV>(delta));
  }
};

// (1 - t) x + (1 + (w - 1) t) log(1 + exp(-x)); without w the factor is 1.
struct Logits {
  template <class... W>
  HWY_INLINE PanelV Value(PanelV x, PanelV t, W... w) const {
    const PanelV of_negatives = hn::Mul(hn::Sub(Constant<PanelV>(1), t), x);
    return hn::Add(of_negatives, OfPositives(t, Softplus(hn::Neg(x)), w...));
  }
  template <class... W>
  HWY_INLINE PanelV Slope(PanelV x, PanelV t, W... w) const {
    return hn::Sub(hn::Sub(Constant<PanelV>(1), t), OfPositives(t, Sigmoid(hn::Neg(x)), w...));
  }
  HWY_INLINE PanelV SlopeInTarget(PanelV x, PanelV) const { return hn::Neg(x); }
  HWY_INLINE PanelV SlopeInTarget(PanelV x, PanelV, PanelV w) const {
    return hn::MulSub(hn::Sub(w, Constant<PanelV>(1)), Softplus(hn::Neg(x)), x);
  }

 private:
  static HWY_INLINE PanelV OfPositives(PanelV, PanelV f) { return f; }
  static HWY_INLINE PanelV OfPositives(PanelV t, PanelV f, PanelV w) {
    return hn::Mul(hn::MulAdd(hn::Sub(w, Constant<PanelV>(1)), t, Constant<PanelV>(1)), f);
  }
};

enum class Of { kValue, kSlope, kSlopeInTarget };

// One column of the table, of x, t and what else the loss knows.
template <Of kOf, class F, class... Rest>
HWY_INLINE PanelV Entry(const F& f, PanelV x, PanelV t, Rest... rest) {
  if constexpr (kOf == Of::kValue)
    return f.Value(x, t, rest...);
  else if constexpr (kOf == Of::kSlope)
    return f.Slope(x, t, rest...);
  else
    return f.SlopeInTarget(x, t, rest...);
}

// gain * slope, with one gain or that of each element, which comes first.
template <Of kOf, class F>
struct WithOneGain {
  F f;
  float gain;
  template <class... Rest>
  HWY_ATTR PanelV operator()(PanelV x, PanelV t, Rest... rest) const {
    return hn::Mul(Entry<kOf>(f, x, t, rest...), Constant<PanelV>(gain));
  }
};
template <Of kOf, class F>
struct WithGains {
  F f;
  template <class... Rest>
  HWY_ATTR PanelV operator()(PanelV gain, PanelV x, PanelV t, Rest... rest) const {
    return hn::Mul(Entry<kOf>(f, x, t, rest...), gain);
  }
};
template <class F>
struct ValueOf {
  F f;
  template <class... Rest>
  HWY_ATTR PanelV operator()(PanelV x, PanelV t, Rest... rest) const {
    return f.Value(x, t, rest...);
  }
};

// Arguments: src, target, pos_weight if there is one; forward then dst, in gradients diff_dst and what is written.
template <class F>
class PointwiseKernel final : public Kernel {
 public:
  PointwiseKernel(const PointwiseAttributes& a, F f, Of of, int threads)
      : a_(a),
        f_(f),
        of_(of),
        threads_(threads),
        stores_(stores_for(static_cast<size_t>(a.count) * 3 * sizeof(float))),
        sums_(static_cast<size_t>((a.count + kBlock - 1) / kBlock)) {}

  void run(std::span<const TensorRef> arguments) override {
    x_ = arguments[0].floats();
    t_ = arguments[1].floats();
    weights_ = a_.pos_weight ? arguments[2].floats() : nullptr;
    const size_t next = a_.pos_weight ? 3 : 2;
    float* out = arguments.back().floats();
    const bool one = a_.reduction != Reduction::kNone;
    if (of_ == Of::kSlope) return Gradient<Of::kSlope>(arguments[next].floats(), one, out);
    if (of_ == Of::kSlopeInTarget) return Gradient<Of::kSlopeInTarget>(arguments[next].floats(), one, out);
    if (!one) return MapAll(ValueOf<F>{f_}, out);
    const double sum = Sum();
    *out = static_cast<float>(a_.reduction == Reduction::kMean ? sum / static_cast<double>(a_.count) : sum);
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kBlock = 1024;  // summed in float: kRowParts sums of 32
  static constexpr Index kBlocksOfTile = 64;

  template <Of kOf>
  void Gradient(const float* diff_dst, bool one, float* out) const {
    if (!one) return MapAll(WithGains<kOf, F>{f_}, out, diff_dst);
    const double share = a_.reduction == Reduction::kMean ? static_cast<double>(a_.count) : 1;
    MapAll(WithOneGain<kOf, F>{f_, static_cast<float>(static_cast<double>(*diff_dst) / share)}, out);
  }

  // Calls block(number, first, count), and with weights of elements, if there are any.
  template <class Block>
  void ForBlocks(const Block& block) const {
    const auto blocks = static_cast<Index>(sums_.size());
    const auto tile = [&](Index index) {
      HWY_ALIGN float weights[kBlock];
      for (Index b = index * kBlocksOfTile; b < std::min(blocks, (index + 1) * kBlocksOfTile); ++b) {
        const Index first = b * kBlock, count = std::min(kBlock, a_.count - first);
        if (weights_ != nullptr) WeightsOf(first, count, weights);
        block(b, first, count, weights);
      }
      hwy::FlushStream();
    };
    parallel_tiles(threads_, (blocks + kBlocksOfTile - 1) / kBlocksOfTile, std::cref(tile));
  }

  void WeightsOf(Index first, Index count, float* to) const {
    Index channel = first / a_.space % a_.channels, left = a_.space - first % a_.space;
    for (Index i = 0; i < count; ++i) {
      to[i] = weights_[channel];
      if (--left > 0) continue;
      left = a_.space;
      channel = channel + 1 == a_.channels ? 0 : channel + 1;
    }
  }

  // out = f(others..., x, t[, weight]), element by element.
  template <class G, class... Others>
  void MapAll(const G& g, float* out, const Others*... others) const {
    // Blocks that do not end where cache lines do share these, which streaming does not like.
    const bool aligned = reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
    const Stores stores = aligned ? stores_ : Stores::kCached;
    ForBlocks([&](Index, Index first, Index count, const float* weights) {
      const auto n = static_cast<size_t>(count);
      if constexpr (std::is_same_v<F, Logits>)
        if (weights_ != nullptr)
          return Map(g, stores, n, out + first, (others + first)..., x_ + first, t_ + first, weights);
      Map(g, stores, n, out + first, (others + first)..., x_ + first, t_ + first);
    });
  }

  // Of all values: blocks in float, their sums in double, in order.
  double Sum() {
    ForBlocks([&](Index b, Index first, Index count, const float* weights) {
      const RowPanel panel(count, false);
      RowPanel::Values sum[1];
      const float *x = x_ + first, *t = t_ + first;
      SumOverClasses(
          panel,
          [&](const auto& access, Index at, Index, int n, auto& to) HWY_ATTR {
            PanelV value;
            if constexpr (std::is_same_v<F, Logits>)
              value = weights_ == nullptr
                          ? f_.Value(access.Load(x + at, n), access.Load(t + at, n))
                          : f_.Value(access.Load(x + at, n), access.Load(t + at, n), access.Load(weights + at, n));
            else
              value = f_.Value(access.Load(x + at, n), access.Load(t + at, n));
            to[0][n] = hn::Add(to[0][n], access.Only(value, n));
          },
          sum);
      sums_[static_cast<size_t>(b)] = static_cast<double>(hn::GetLane(sum[0][0]));
    });
    double total = 0;
    for (const double sum : sums_) total += sum;
    return total;
  }

  const PointwiseAttributes a_;
  const F f_;
  const Of of_;
  const int threads_;
  const Stores stores_;
  std::vector<double> sums_;
  const float *x_ = nullptr, *t_ = nullptr, *weights_ = nullptr;
};

template <class F>
std::unique_ptr<Kernel> PointwiseOf(const PointwiseAttributes& a, F f, const Pass& pass, int threads) {
  const Of of = pass.is_forward() ? Of::kValue : pass.slot == "src" ? Of::kSlope : Of::kSlopeInTarget;
  return std::make_unique<PointwiseKernel<F>>(a, f, of, threads);
}

std::unique_ptr<Kernel> PreparePointwise(Pointwise loss, const PointwiseAttributes& a, const Pass& pass, int threads) {
  switch (loss) {
    case Pointwise::kMse:
      return PointwiseOf(a, OfDifference<Square>(), pass, threads);
    case Pointwise::kL1:
      return PointwiseOf(a, OfDifference<Magnitude>(), pass, threads);
    case Pointwise::kHuber:
      return PointwiseOf(a, OfDifference<Huber>{{static_cast<float>(a.delta)}}, pass, threads);
    case Pointwise::kBceWithLogits:
      break;
  }
  return PointwiseOf(a, Logits(), pass, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PreparePointwise);

namespace {

// Of the value of an element and of its slopes. (w - 1) t + 1 is 3 deep; a function counts 2 an ulp of its error.
double pointwise_depth(Pointwise loss, bool value) {
  switch (loss) {
    case Pointwise::kMse:
      return value ? 3 : 2;
    case Pointwise::kL1:
      return value ? 1 : 0;
    case Pointwise::kHuber:
      return value ? 5 : 2;  // delta, which float may not hold, is a rounding
    case Pointwise::kBceWithLogits:
      break;
  }
  return 3 + 2 * (value ? MathUlps::kSoftplus : MathUlps::kSigmoid) + 2;
}

double pointwise_simd_depth(Pointwise loss, const Case& c, const Pass& pass) {
  const Reduction reduction = pointwise_attributes(c.attributes).reduction;
  const double value = pointwise_depth(loss, pass.is_forward());
  if (!pass.is_forward()) return value + 1 + (reduction == Reduction::kMean ? 1 + kSumDepth : 0);
  // Blocks of 1024 elements are the rows of class_panels-inl.h; their sums are added, and divided, in double.
  return reduction == Reduction::kNone
             ? value
             : value + class_sum_depth({.outer = 1, .classes = 1024, .inner = 1}) + 1 + 2 * kSumDepth;
}

}  // namespace

std::vector<Implementation> pointwise_simd_implementations(Pointwise loss) {
  return simd_implementations({.prepare =
                                   [loss](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                     return HWY_DYNAMIC_DISPATCH(PreparePointwise)(
                                         loss, pointwise_attributes(c.attributes), pass, options.threads);
                                   },
                               .depth = [loss](const Case& c, const Pass& pass,
                                               std::string_view) { return pointwise_simd_depth(loss, c, pass); }});
}

}  // namespace gradproof
#endif
