#include "ops/pool/global_max_pool_simd.h"

#include <limits>

#include "ops/pool/global_pool.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/global_max_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/plane_kernel-inl.h"
#include "ops/pool/window_maxima-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Running maxima that do not wait for each other.
constexpr Index kRunning = 4;

// Of two that were not met in the order of their taps: of equals, and of NaNs, the lower tap is taken.
HWY_INLINE Best<Largest> FirstOf(const Best<Largest>& a, const Best<Largest>& b) {
  const auto tie = hn::Or(hn::Eq(a.value, b.value), hn::And(hn::IsNaN(a.value), hn::IsNaN(b.value)));
  const auto lower = hn::RebindMask(D(), hn::Lt(b.tap, a.tap));
  const auto take = hn::Or(Largest::Takes(b.value, a.value), hn::And(tie, lower));
  return {hn::IfThenElse(take, b.value, a.value), hn::IfThenElse(hn::RebindMask(DI(), take), b.tap, a.tap)};
}

// The first of the largest in any lane.
Index FirstOfLanes(const Best<Largest>& best) {
  const D d;
  const DI di;
  const auto is_nan = hn::IsNaN(best.value);
  const auto wins = hn::AllFalse(d, is_nan) ? hn::Eq(best.value, hn::MaxOfLanes(d, best.value)) : is_nan;
  const auto none = hn::Set(di, std::numeric_limits<std::int32_t>::max());
  return hn::GetLane(hn::MinOfLanes(di, hn::IfThenElse(hn::RebindMask(di, wins), best.tap, none)));
}

// The first of the largest of x, or the first NaN. Lanes that meet nothing but -inf stand for the elements that they
// start with: the first of all, if no other lane knows better.
Index FirstOfLargest(const float* HWY_RESTRICT x, Index count) {
  const D d;
  const DI di;
  const auto start = [&](Index i) HWY_ATTR { return hn::Set(di, static_cast<std::int32_t>(i)); };
  Best<Largest> running[kRunning];  // taps: where the vector starts that an element was met in
  for (auto& best : running) best = {hn::Set(d, Largest::kWorst), hn::Zero(di)};
  Index i = 0;
  for (; i + kRunning * Lanes() <= count; i += kRunning * Lanes())
    for (Index k = 0; k < kRunning; ++k) running[k].Meet(hn::LoadU(d, x + i + k * Lanes()), start(i + k * Lanes()));
  for (; i + Lanes() <= count; i += Lanes()) running[0].Meet(hn::LoadU(d, x + i), start(i));
  if (i < count && count >= Lanes()) {
    running[0].Meet(hn::LoadU(d, x + count - Lanes()), start(count - Lanes()));
  } else if (i < count) {
    const auto rest = hn::IfThenElse(hn::FirstN(d, At(count)), LoadFirst(d, x, At(count)), running[0].value);
    running[0].Meet(rest, start(0));
  }
  for (Index k = 1; k < kRunning; ++k) running[0] = FirstOf(running[0], running[k]);
  running[0].tap = hn::Add(running[0].tap, hn::Iota(di, 0));
  return FirstOfLanes(running[0]);
}

template <typename T>
class GlobalMaxForward final : public PlaneKernel {
 public:
  using PlaneKernel::PlaneKernel;

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    ForEachPlane([&](Index, Index plane) {
      const float* x = src + plane * space_;
      const Index first = FirstOfLargest(x, space_);
      dst[plane] = x[first];
      argmax[plane] = static_cast<T>(first);
    });
  }
};

struct Nothing {
  HWY_ATTR auto operator()() const { return hn::Zero(D()); }
};

template <typename T>
class GlobalMaxGradient final : public PlaneKernel {
 public:
  GlobalMaxGradient(Index planes, Index space, int threads) : PlaneKernel(planes, space, threads) {
    const bool long_planes = space >= 1024;  // else partial cache lines abound, which streaming does not like
    if (long_planes) stores_ = stores_for(At(planes * space) * sizeof(float));
  }

  void run(std::span<const TensorRef> arguments) override {
    const T* argmax = static_cast<const T*>(arguments[1].data);
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachPlane([&](Index, Index plane) {
      float* to = diff_src + plane * space_;
      Map(Nothing(), stores_, At(space_), to);
      to[argmax[plane]] = diff_dst[plane];
    });
  }

 private:
  Stores stores_ = Stores::kCached;
};

template <typename T>
std::unique_ptr<Kernel> Make(const GlobalPoolAttributes& a, const Pass& pass, int threads) {
  if (pass.is_forward()) return std::make_unique<GlobalMaxForward<T>>(a.planes, a.space, threads);
  return std::make_unique<GlobalMaxGradient<T>>(a.planes, a.space, threads);
}

std::unique_ptr<Kernel> PrepareGlobalMaxPool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const GlobalPoolAttributes a = global_pool_attributes(c);
  if (a.argmax_type() == ElementType::kUint8) return Make<std::uint8_t>(a, pass, options.threads);
  return Make<std::int32_t>(a, pass, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareGlobalMaxPool);

std::vector<Implementation> global_max_pool_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareGlobalMaxPool)(plan...); }});
}

}  // namespace gradproof
#endif
