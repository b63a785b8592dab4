// max_pool, min_pool and their gradient over square windows of 2 or 3 neighbours, 2 apart, on planes so narrow that two
// fill a vector. Nothing is copied side by side first: the loads of two planes' rows are the two loads that even and
// odd columns are taken from (Zen 4, 2048 planes of 14 x 14: JoinedPool takes 3 times as long).

#if defined(GRADPROOF_PAIRED_MAX_POOL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PAIRED_MAX_POOL_INL_H
#undef GRADPROOF_PAIRED_MAX_POOL_INL_H
#else
#define GRADPROOF_PAIRED_MAX_POOL_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "ops/pool/paired_planes-inl.h"
#include "ops/pool/sent_sums-inl.h"
#include "ops/pool/window_maxima-inl.h"
#include "ops/simd/every_second-inl.h"
#include "ops/simd/shifted_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET <= HWY_AVX3

// The lanes beside, of one plane each: what comes from the other plane's half is `beyond`, as what lies beyond the
// ends.
template <Index kShift>
class BesideInHalves {
 public:
  explicit HWY_INLINE BesideInHalves(float beyond)
      : beyond_(beyond), at_border_(hn::RebindMask(D(), hn::Eq(hn::Iota(DI(), 0), hn::Set(DI(), kBorder)))) {}

  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> v) const {
    OneBeside<D, kShift> beside(beyond_);
    return hn::IfThenElse(at_border_, hn::Set(D(), beyond_), beside(v));
  }

 private:
  static constexpr auto kBorder = static_cast<std::int32_t>(hn::MaxLanes(D()) / 2 - (kShift > 0 ? 1 : 0));
  const float beyond_;
  const hn::Mask<D> at_border_;
};

// Window o starts kStart columns from column 2 * o.
template <class Order, Index kTaps, Index kStart>
class PairedWindows {
 public:
  using Found = Best<Order, ByteTaps>;

  // False where a NaN may have been met.
  static HWY_NOINLINE bool Run(const PoolGeometry& g, const PairOf<const float>& in,
                               const std::uint8_t* HWY_RESTRICT first_taps, const PairOf<float>& dst,
                               const PairOf<std::uint8_t>& argmax) {
    const PairedWindows windows(g, in, first_taps);
    const HalvesOfRows<float> values(g.w.out);
    const HalvesOfRows<std::uint8_t> bytes(g.w.out);
    hn::Vec<D> sum = hn::Zero(D());
    Found shared = windows.Row(g.h.input_of(0, 0), sum);
    for (Index oh = 0; oh < g.h.out; ++oh) {
      const Index ih = g.h.input_of(oh, 0);
      Found best = kTaps > 2 || oh == 0 ? shared : windows.Row(ih, sum);
      // Of windows that start in the padding the first tap is in the first row of the input.
      best.tap = hn::Add(best.tap, Found::Tap(std::max<Index>(-ih, 0) * kTaps));
#pragma GCC unroll 2
      for (Index k = 1; k < kTaps; ++k) {
        shared = windows.Row(ih + k, sum);
        best.Meet(shared.value, hn::Add(shared.tap, Found::Tap(k * kTaps)));
      }
      values.Store(best.value, dst, oh * g.w.out);
      bytes.Store(best.tap, argmax, oh * g.w.out);
    }
    return hn::AllTrue(D(), hn::Eq(sum, sum));
  }

 private:
  HWY_INLINE PairedWindows(const PoolGeometry& g, const PairOf<const float>& in, const std::uint8_t* first_taps)
      : in_(in),
        rows_(g.h.in),
        width_(g.w.in),
        inside_(hn::FirstN(D(), At(g.w.in))),
        padding_(hn::Set(D(), Order::kWorst)),
        first_taps_(hn::Load(ByteTaps::Lanes(), first_taps)),
        beside_(Order::kWorst) {}

  HWY_INLINE hn::Vec<D> Load(const float* row) const {
    return hn::IfThenElse(inside_, hn::MaskedLoad(inside_, D(), row), padding_);
  }

  // The best along row ih. What is read is added to `sum`.
  HWY_INLINE Found Row(Index ih, hn::Vec<D>& sum) const {
    if (ih < 0 || ih >= rows_) return {padding_, first_taps_};
    const auto lower = Load(in_.lower + ih * width_), upper = Load(in_.upper + ih * width_);
    sum = hn::Add(sum, hn::Add(lower, upper));
    const EvenOdd<hn::Vec<D>> pairs(lower, upper);
    const hn::Vec<D> beside = beside_(kStart == 0 ? pairs.even : pairs.odd);
    const hn::Vec<D> taps[3] = {kStart == 0 ? pairs.even : beside, kStart == 0 ? pairs.odd : pairs.even,
                                kStart == 0 ? beside : pairs.odd};
    Found running{taps[0], first_taps_};
#pragma GCC unroll 2
    for (Index k = 1; k < kTaps; ++k) running.Meet(taps[k], Found::Tap(k));
    return running;
  }

  const PairOf<const float> in_;
  const Index rows_, width_;
  const hn::Mask<D> inside_;
  const hn::Vec<D> padding_;
  const hn::Vec<ByteTaps::Lanes> first_taps_;
  const BesideInHalves<kStart == 0 ? 1 : -1> beside_;
};

template <class Order>
class PairedMaxPool final : public PairedPlanes {
 public:
  PairedMaxPool(const PoolGeometry& g, int threads)
      : PairedPlanes(g, g.out_count(), threads),
        run_(Choose<Order>(g.w)),
        run_among_numbers_(Choose<AmongNumbers<Order>>(g.w)),
        first_taps_(Filled(Lanes(), std::uint8_t{0})) {
    for (Index o = 0; o < g.w.out; ++o)
      for (const Index half : {Index{0}, Lanes() / 2})
        first_taps_.get()[half + o] = static_cast<std::uint8_t>(g.w.first_tap(o));
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    std::uint8_t* argmax = arguments[2].bytes();
    ForEachPair(arguments[1].floats(), [&](Index lower, Index upper, const PairOf<float>& dst) {
      const PairOf<const float> in{src + lower * g_.in_count(), src + upper * g_.in_count()};
      const PairOf<std::uint8_t> taps{argmax + lower * g_.out_count(), argmax + upper * g_.out_count()};
      if (!run_among_numbers_(g_, in, first_taps_.get(), dst, taps)) run_(g_, in, first_taps_.get(), dst, taps);
    });
  }

 private:
  using Run = bool (*)(const PoolGeometry&, const PairOf<const float>&, const std::uint8_t* HWY_RESTRICT,
                       const PairOf<float>&, const PairOf<std::uint8_t>&);

  template <class SomeOrder>
  static Run Choose(const PoolAxis& w) {
    if (w.kernel == 2) return w.pad == 0 ? PairedWindows<SomeOrder, 2, 0>::Run : PairedWindows<SomeOrder, 2, -1>::Run;
    return w.pad == 0 ? PairedWindows<SomeOrder, 3, 0>::Run : PairedWindows<SomeOrder, 3, -1>::Run;
  }

  const Run run_, run_among_numbers_;
  AlignedMemory<std::uint8_t> first_taps_;  // of each lane
};

// What windows send to the inputs, as RoutedSweep does.
template <Index kTaps, Index kPadW>
struct PairedRoutes {
  using Sums = SentSums<kTaps, kPadW>;

  static HWY_NOINLINE void Run(const PoolGeometry& g, const PairOf<const float>& diff,
                               const PairOf<const std::uint8_t>& argmax, const PairOf<float>& to) {
    const InputPairs pairs(g.h);
    const typename Sums::Taps taps(0);
    const BesideInHalves<Sums::kFromRight ? 1 : -1> beside(0.0F);
    const HalvesOfRows<float> values(g.w.out);
    const HalvesOfRows<std::uint8_t> bytes(g.w.out);
    const auto inside = hn::FirstN(D(), At(g.w.in));
    for (Index pair = pairs.first; pair < pairs.first + pairs.count; ++pair) {
      Sums sums;
      const auto add = [&]<Index kRow>() HWY_ATTR {
        const Index at = (pair + kRow) * g.w.out;
        if (pair + kRow < 0 || pair + kRow >= g.h.out) return;
        sums.template Add<kRow>(values.Load(diff, at), bytes.Load(argmax, at), taps);
      };
      add.template operator()<0>();
      if constexpr (Sums::kRows == 2) add.template operator()<1>();
      if constexpr (Sums::kSendsBeside) sums.Take(beside(sums.beside[0]), beside(sums.beside[1]));
#pragma GCC unroll 2
      for (Index r = 0; r < 2; ++r) {
        const Index row = 2 * pair + pairs.offset + r;
        if (!g.h.holds(row)) continue;
        const Interleaved<hn::Vec<D>> both(sums.own[r][0], sums.own[r][1]);
        hn::BlendedStore(both.first, inside, D(), to.lower + row * g.w.in);
        hn::BlendedStore(both.second, inside, D(), to.upper + row * g.w.in);
      }
    }
  }
};

class PairedMaxPoolGradient final : public PairedPlanes {
 public:
  PairedMaxPoolGradient(const PoolGeometry& g, int threads)
      : PairedPlanes(g, g.in_count(), threads), run_(Choose(g.w)) {}

  void run(std::span<const TensorRef> arguments) override {
    const std::uint8_t* argmax = arguments[1].bytes();
    const float* diff = arguments[2].floats();
    ForEachPair(arguments[3].floats(), [&](Index lower, Index upper, const PairOf<float>& to) {
      const Index at_lower = lower * g_.out_count(), at_upper = upper * g_.out_count();
      run_(g_, {diff + at_lower, diff + at_upper}, {argmax + at_lower, argmax + at_upper}, to);
    });
  }

 private:
  using Run = void (*)(const PoolGeometry&, const PairOf<const float>&, const PairOf<const std::uint8_t>&,
                       const PairOf<float>&);

  static Run Choose(const PoolAxis& w) {
    if (w.kernel == 2) return w.pad == 0 ? PairedRoutes<2, 0>::Run : PairedRoutes<2, 1>::Run;
    return w.pad == 0 ? PairedRoutes<3, 0>::Run : PairedRoutes<3, 1>::Run;
  }

  const Run run_;
};

template <class Order>
std::unique_ptr<Kernel> MakePairedMaxPool(const PoolGeometry& g, int threads) {
  return ArePairs(g) ? std::make_unique<PairedMaxPool<Order>>(g, threads) : nullptr;
}

inline std::unique_ptr<Kernel> MakePairedMaxPoolGradient(const PoolGeometry& g, int threads) {
  return ArePairs(g) ? std::make_unique<PairedMaxPoolGradient>(g, threads) : nullptr;
}

#else

// Nothing for other windows and planes.
template <class Order>
std::unique_ptr<Kernel> MakePairedMaxPool(const PoolGeometry&, int) {
  return nullptr;
}
inline std::unique_ptr<Kernel> MakePairedMaxPoolGradient(const PoolGeometry&, int) { return nullptr; }

#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PAIRED_MAX_POOL_INL_H
