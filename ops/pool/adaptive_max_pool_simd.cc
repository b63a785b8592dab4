#include "ops/pool/adaptive_max_pool_simd.h"

#include <cstring>
#include <limits>

#include "ops/pool/adaptive_max_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/pool/max_pool_simd.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/adaptive_max_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/plane_kernel-inl.h"
#include "ops/pool/window_maxima-inl.h"
#include "ops/pool/window_sums-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

Index InCount(const AdaptivePoolAttributes& a) { return a.axes[0].in * a.axes[1].in * a.axes[2].in; }
Index OutCount(const AdaptivePoolAttributes& a) { return a.axes[0].out * a.axes[1].out * a.axes[2].out; }

// A row of input in a window, and the number of its first tap there.
struct RowOfTaps {
  const float* from;
  std::int32_t first_tap;
};

// A value and its tap as one number, a key, which is larger for a larger value, NaN being the largest, and of equal
// ones, or of NaNs, for the lower tap. In two halves, the lower one first: taps counted down, and whole numbers that
// order as values do.
HWY_INLINE void StoreKeys(const Best<Largest>& best, std::uint32_t* halves) {
  const DI di;
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(di, hn::Add(best.value, hn::Zero(D())));  // -0 + 0 = 0
  const auto ordered = hn::Xor(bits, hn::And(hn::ShiftRight<31>(bits), hn::Set(di, 0x7FFFFFFF)));
  const auto largest = hn::Set(di, std::numeric_limits<std::int32_t>::max());
  const auto high = hn::IfThenElse(hn::RebindMask(di, hn::IsNaN(best.value)), largest, ordered);
  hn::StoreInterleaved2(hn::BitCast(du, hn::Not(best.tap)), hn::BitCast(du, high), du, halves);
}

HWY_INLINE std::int64_t KeyAt(const std::uint32_t* halves, Index i) {
  std::int64_t key;
  std::memcpy(&key, halves + 2 * i, sizeof(key));
  return key;
}

HWY_INLINE std::uint32_t TapOf(std::int64_t key) { return ~static_cast<std::uint32_t>(key); }

// kCount vectors at a time down `rows`: comparisons of one do not wait for those of another.
template <Index kCount, class Load>
HWY_INLINE void Descend(const std::vector<RowOfTaps>& rows, const RowVectors& vectors, Index first, const Load& load,
                        std::uint32_t* HWY_RESTRICT keys) {
  const DI di;
  Best<Largest> running[kCount];
  for (Index v = 0; v < kCount; ++v)
    running[v] = {load(rows[0].from + vectors.Position(first + v)), hn::Set(di, rows[0].first_tap)};
  for (size_t k = 1; k < rows.size(); ++k) {
    const auto tap = hn::Set(di, rows[k].first_tap);
    for (Index v = 0; v < kCount; ++v) running[v].Meet(load(rows[k].from + vectors.Position(first + v)), tap);
  }
  for (Index v = 0; v < kCount; ++v) StoreKeys(running[v], keys + 2 * vectors.Position(first + v));
}

// The key of the best of each column of `rows`, rows of `width` inputs. Whole vectors are written.
HWY_NOINLINE void AlongColumns(const std::vector<RowOfTaps>& rows, Index width, std::uint32_t* HWY_RESTRICT keys) {
  const RowVectors vectors(width);
  if (width < Lanes()) return Descend<1>(rows, vectors, 0, LoadSome{At(width)}, keys);
  const LoadEvery<1> load;
  Index vector = 0;
  for (; vector + 4 <= vectors.count; vector += 4) Descend<4>(rows, vectors, vector, load, keys);
  for (; vector < vectors.count; ++vector) Descend<1>(rows, vectors, vector, load, keys);
}

// What both directions know: where the taps of a window lie.
class AdaptiveMaxKernel : public PlaneKernel {
 public:
  AdaptiveMaxKernel(const AdaptivePoolAttributes& a, int threads)
      : PlaneKernel(a.mb * a.c, InCount(a), threads), a_(a) {
    const auto& [d, h, w] = a.axes;
    for (Index kd = 0; kd < d.largest(); ++kd)
      for (Index kh = 0; kh < h.largest(); ++kh)
        for (Index kw = 0; kw < w.largest(); ++kw) offset_of_tap_.push_back((kd * h.in + kh) * w.in + kw);
    for (Index ow = 0; ow < w.out; ++ow) columns_.push_back({w.first(ow), w.end(ow)});
  }

 protected:
  // Calls visit(od, oh, origin, window) for the rows of windows of a plane. Tap t of a window that begins with column i
  // is at origin + i + offset_of_tap_[t]; `window` is the number of the row's first.
  template <class Visit>
  void ForEachRow(const Visit& visit) const {
    const auto& [d, h, w] = a_.axes;
    Index window = 0;
    for (Index od = 0; od < d.out; ++od)
      for (Index oh = 0; oh < h.out; ++oh, window += w.out)
        visit(od, oh, (d.first(od) * h.in + h.first(oh)) * w.in, window);
  }

  const AdaptivePoolAttributes a_;
  std::vector<Index> offset_of_tap_;
  std::vector<Range> columns_;  // of each window of a row
};

// Columns first, in vectors, then along the row of their keys: windows that start anywhere would have to be gathered
// (Zen 3: 30 cycles for 8 lanes), while one key takes a comparison.
template <typename T>
class AdaptiveMaxForward final : public AdaptiveMaxKernel {
 public:
  AdaptiveMaxForward(const AdaptivePoolAttributes& a, int threads) : AdaptiveMaxKernel(a, threads) {
    for (int thread = 0; thread < threads_; ++thread) {
      workspaces_.push_back({Filled(2 * (a.axes[2].in + Lanes()), std::uint32_t{0}), {}});
      workspaces_.back().rows.reserve(At(a.axes[0].largest() * a.axes[1].largest()));
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    ForEachPlane([&](Index thread, Index plane) {
      Workspace& space = workspaces_[At(thread)];
      const float* in = src + plane * space_;
      ForEachRow([&](Index od, Index oh, Index origin, Index window) {
        PlanRows(in, od, oh, space.rows);
        AlongColumns(space.rows, a_.axes[2].in, space.keys.get());
        const Index at = plane * OutCount(a_) + window;
        AlongRow(space.keys.get(), in + origin, dst + at, argmax + at);
      });
    });
  }

 private:
  struct Workspace {
    AlignedMemory<std::uint32_t> keys;  // of each column, in halves
    std::vector<RowOfTaps> rows;
  };

  // The rows of input that a row of windows sees.
  void PlanRows(const float* plane, Index od, Index oh, std::vector<RowOfTaps>& rows) const {
    const auto& [d, h, w] = a_.axes;
    rows.clear();
    for (Index id = d.first(od); id < d.end(od); ++id)
      for (Index ih = h.first(oh); ih < h.end(oh); ++ih) {
        const Index tap_row = (id - d.first(od)) * h.largest() + ih - h.first(oh);
        rows.push_back({plane + (id * h.in + ih) * w.in, static_cast<std::int32_t>(tap_row * w.largest())});
      }
  }

  // A column further on in a window, the tap is one more, and its key one less.
  void AlongRow(const std::uint32_t* HWY_RESTRICT keys, const float* HWY_RESTRICT from, float* HWY_RESTRICT dst,
                T* HWY_RESTRICT argmax) const {
    for (const Range& window : columns_) {
      std::int64_t best = KeyAt(keys, window.first);
      for (Index i = window.first + 1; i < window.end; ++i) best = std::max(best, KeyAt(keys, i) - (i - window.first));
      const std::uint32_t tap = TapOf(best);
      *dst++ = from[window.first + offset_of_tap_[tap]];
      *argmax++ = static_cast<T>(tap);
    }
  }

  std::vector<Workspace> workspaces_;
};

// Windows are few beside inputs: a plane is cleared, and each window adds its share in its turn.
template <typename T>
class AdaptiveMaxGradient final : public AdaptiveMaxKernel {
 public:
  using AdaptiveMaxKernel::AdaptiveMaxKernel;

  void run(std::span<const TensorRef> arguments) override {
    const T* argmax = static_cast<const T*>(arguments[1].data);
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachPlane([&](Index, Index plane) {
      float* to = diff_src + plane * space_;
      std::fill_n(to, space_, 0.0F);
      ForEachRow([&](Index, Index, Index origin, Index window) {
        Index at = plane * OutCount(a_) + window;
        for (const Range& columns : columns_) {
          to[origin + columns.first + offset_of_tap_[argmax[at]]] += diff_dst[at];
          ++at;
        }
      });
    });
  }
};

template <typename T>
std::unique_ptr<Kernel> Make(const AdaptivePoolAttributes& a, const Pass& pass, int threads) {
  if (pass.is_forward()) return std::make_unique<AdaptiveMaxForward<T>>(a, threads);
  return std::make_unique<AdaptiveMaxGradient<T>>(a, threads);
}

std::unique_ptr<Kernel> PrepareAdaptiveMaxPool(const AdaptivePoolAttributes& a, const Pass& pass, int threads) {
  if (adaptive_argmax_type(a) == ElementType::kUint8) return Make<std::uint8_t>(a, pass, threads);
  return Make<std::int32_t>(a, pass, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareAdaptiveMaxPool);

namespace {

// Equal windows side by side are those of a max_pool, which is faster where they are narrow: it need not gather.
bool is_max_pool(const AdaptivePoolAttributes& a) {
  const auto& [d, h, w] = a.axes;
  return d.uniform() && h.uniform() && w.uniform() && w.largest() <= 2;
}

MaxPoolAttributes as_max_pool(const AdaptivePoolAttributes& a) {
  MaxPoolAttributes pool{a.mb, a.c, {}};
  pool.window.rank = a.rank;
  for (size_t axis = 0; axis < 3; ++axis) {
    pool.window.axes[axis].in = a.axes[axis].in;
    pool.window.axes[axis].kernel = pool.window.axes[axis].stride = a.axes[axis].largest();
  }
  return pool;
}

std::unique_ptr<Kernel> prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const AdaptivePoolAttributes a = adaptive_pool_attributes(c.attributes);
  if (!is_max_pool(a)) return HWY_DYNAMIC_DISPATCH(PrepareAdaptiveMaxPool)(a, pass, options.threads);
  const MaxPoolAttributes pool = as_max_pool(a);
  return pass.is_forward() ? prepare_max_forward(pool, options.threads) : prepare_max_gradient(pool, options.threads);
}

}  // namespace

std::vector<Implementation> adaptive_max_pool_simd_implementations() {
  return simd_implementations({.prepare = prepare});
}

}  // namespace gradproof
#endif
