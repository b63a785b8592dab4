#include "ops/pool/adaptive_max_pool_simd.h"

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
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

Index InCount(const AdaptivePoolAttributes& a) { return a.axes[0].in * a.axes[1].in * a.axes[2].in; }
Index OutCount(const AdaptivePoolAttributes& a) { return a.axes[0].out * a.axes[1].out * a.axes[2].out; }

// A row of input in a window, and the number of its first tap there.
struct TapRowOf {
  const float* from;
  std::int32_t first_tap;
};

// The best of each column of `rows`, rows of `width` inputs. Whole vectors are written.
HWY_NOINLINE void AlongColumns(const std::vector<TapRowOf>& rows, Index width, float* HWY_RESTRICT best,
                               std::int32_t* HWY_RESTRICT taps) {
  const D d;
  const DI di;
  const RowVectors vectors(width);
  const auto load = [&](const float* from)
                        HWY_ATTR { return width < Lanes() ? LoadFirst(d, from, At(width)) : hn::LoadU(d, from); };
  for (Index vector = 0; vector < vectors.count; ++vector) {
    const Index i = vectors.Position(vector);
    Best<Largest> running{load(rows[0].from + i), hn::Set(di, rows[0].first_tap)};
    for (size_t k = 1; k < rows.size(); ++k) running.Meet(load(rows[k].from + i), hn::Set(di, rows[k].first_tap));
    hn::StoreU(running.value, d, best + i);
    hn::StoreU(running.tap, di, taps + i);
  }
}

// Columns first, then along rows: what is gathered, window by window in the lanes of a vector, is a row of best values,
// not the input. A window that is narrower than the widest meets its last column again, which changes nothing.
template <typename T>
class AdaptiveMaxForward final : public PlaneKernel {
 public:
  AdaptiveMaxForward(const AdaptivePoolAttributes& a, int threads)
      : PlaneKernel(a.mb * a.c, InCount(a), threads), a_(a), vectors_(w().out) {
    const Index lanes = vectors_.count * Lanes();
    first_ = Filled(lanes, std::int32_t{0});
    last_ = Filled(lanes, std::int32_t{0});
    for (Index i = 0; i < lanes; ++i) {
      const Index o = std::min(vectors_.Position(i / Lanes()) + i % Lanes(), w().out - 1);
      first_[At(i)] = static_cast<std::int32_t>(w().first(o));
      last_[At(i)] = static_cast<std::int32_t>(w().end(o) - 1);
    }
    const Index columns = WholeLines(w().in + Lanes());
    const Index staged = WholeLines(OutCount(a) + Lanes());
    for (int thread = 0; thread < threads_; ++thread) {
      workspaces_.push_back({Filled(columns, 0.0F),
                             Filled(columns, std::int32_t{0}),
                             Filled(staged, 0.0F),
                             Filled(staged, std::int32_t{0}),
                             {}});
      workspaces_.back().rows.reserve(At(a.axes[0].widest() * a.axes[1].widest()));
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    ForEachPlane([&](Index thread, Index plane) {
      Workspace& space = workspaces_[At(thread)];
      Index row = 0;
      for (Index od = 0; od < a_.axes[0].out; ++od)
        for (Index oh = 0; oh < a_.axes[1].out; ++oh, ++row) {
          PlanRows(src + plane * space_, od, oh, space.rows);
          AlongColumns(space.rows, w().in, space.best.get(), space.taps.get());
          AlongRow(space, row * w().out);
        }
      const Index count = OutCount(a_);
      std::copy_n(space.dst.get(), count, dst + plane * count);
      std::transform(space.argmax.get(), space.argmax.get() + count, argmax + plane * count,
                     [](std::int32_t tap) { return static_cast<T>(tap); });
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> best;  // of each column
    AlignedMemory<std::int32_t> taps;
    AlignedMemory<float> dst;  // of a plane
    AlignedMemory<std::int32_t> argmax;
    std::vector<TapRowOf> rows;
  };

  const AdaptiveAxis& w() const { return a_.axes[2]; }

  // The rows of input that a row of windows sees.
  void PlanRows(const float* plane, Index od, Index oh, std::vector<TapRowOf>& rows) const {
    const auto& [d, h, width] = a_.axes;
    rows.clear();
    for (Index id = d.first(od); id < d.end(od); ++id)
      for (Index ih = h.first(oh); ih < h.end(oh); ++ih) {
        const Index tap_row = (id - d.first(od)) * h.widest() + ih - h.first(oh);
        rows.push_back({plane + (id * h.in + ih) * width.in, static_cast<std::int32_t>(tap_row * width.widest())});
      }
  }

  // Overruns a row by less than a vector.
  void AlongRow(Workspace& space, Index to) const {
    const D d;
    const DI di;
    const Index widest = w().widest();
    for (Index vector = 0; vector < vectors_.count; ++vector) {
      const auto first = hn::Load(di, first_.get() + vector * Lanes());
      const auto last = hn::Load(di, last_.get() + vector * Lanes());
      Best<Largest> running{hn::GatherIndex(d, space.best.get(), first), hn::GatherIndex(di, space.taps.get(), first)};
      for (Index k = 1; k < widest; ++k) {
        const auto at = hn::Min(hn::Add(first, hn::Set(di, static_cast<std::int32_t>(k))), last);
        const auto tap = hn::Add(hn::GatherIndex(di, space.taps.get(), at), hn::Sub(at, first));
        running.MeetUnordered(hn::GatherIndex(d, space.best.get(), at), tap);
      }
      hn::StoreU(running.value, d, space.dst.get() + to + vectors_.Position(vector));
      hn::StoreU(running.tap, di, space.argmax.get() + to + vectors_.Position(vector));
    }
  }

  const AdaptivePoolAttributes a_;
  const RowVectors vectors_;                  // of a row of windows
  AlignedMemory<std::int32_t> first_, last_;  // columns of each window, [vector][lane]
  std::vector<Workspace> workspaces_;
};

// Windows are few beside inputs: a plane is cleared, and each window adds its share in its turn.
template <typename T>
class AdaptiveMaxGradient final : public PlaneKernel {
 public:
  AdaptiveMaxGradient(const AdaptivePoolAttributes& a, int threads)
      : PlaneKernel(a.mb * a.c, InCount(a), threads), a_(a) {
    const auto& [d, h, w] = a.axes;
    for (Index kd = 0; kd < d.widest(); ++kd)
      for (Index kh = 0; kh < h.widest(); ++kh)
        for (Index kw = 0; kw < w.widest(); ++kw) offset_of_tap_.push_back((kd * h.in + kh) * w.in + kw);
    for (Index ow = 0; ow < w.out; ++ow) first_.push_back(w.first(ow));
  }

  void run(std::span<const TensorRef> arguments) override {
    const T* argmax = static_cast<const T*>(arguments[1].data);
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachPlane([&](Index, Index plane) {
      const auto& [d, h, w] = a_.axes;
      float* to = diff_src + plane * space_;
      std::fill_n(to, space_, 0.0F);
      Index window = plane * OutCount(a_);
      for (Index od = 0; od < d.out; ++od)
        for (Index oh = 0; oh < h.out; ++oh) {
          float* row = to + (d.first(od) * h.in + h.first(oh)) * w.in;
          for (const Index first : first_) {
            row[first + offset_of_tap_[argmax[window]]] += diff_dst[window];
            ++window;
          }
        }
    });
  }

 private:
  const AdaptivePoolAttributes a_;
  std::vector<Index> offset_of_tap_;
  std::vector<Index> first_;  // column of each window of a row
};

template <typename T>
std::unique_ptr<Kernel> Make(const AdaptivePoolAttributes& a, const Pass& pass, int threads) {
  if (pass.is_forward()) return std::make_unique<AdaptiveMaxForward<T>>(a, threads);
  return std::make_unique<AdaptiveMaxGradient<T>>(a, threads);
}

std::unique_ptr<Kernel> Prepare(const AdaptivePoolAttributes& a, const Pass& pass, int threads) {
  if (a.argmax_type() == ElementType::kUint8) return Make<std::uint8_t>(a, pass, threads);
  return Make<std::int32_t>(a, pass, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(Prepare);

namespace {

// Equal windows side by side are those of a max_pool, which is faster where they are narrow: it need not gather.
bool is_max_pool(const AdaptivePoolAttributes& a) {
  const auto& [d, h, w] = a.axes;
  return d.uniform() && h.uniform() && w.uniform() && w.widest() <= 2;
}

MaxPoolAttributes as_max_pool(const AdaptivePoolAttributes& a) {
  MaxPoolAttributes pool{a.mb, a.c, {}};
  pool.window.rank = a.rank;
  for (size_t axis = 0; axis < 3; ++axis) {
    pool.window.axes[axis].in = a.axes[axis].in;
    pool.window.axes[axis].kernel = pool.window.axes[axis].stride = a.axes[axis].widest();
  }
  return pool;
}

std::unique_ptr<Kernel> prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const AdaptivePoolAttributes a = adaptive_pool_attributes(c.attributes);
  if (!is_max_pool(a)) return HWY_DYNAMIC_DISPATCH(Prepare)(a, pass, options.threads);
  const MaxPoolAttributes pool = as_max_pool(a);
  return pass.is_forward() ? prepare_max_forward(pool, options.threads) : prepare_max_gradient(pool, options.threads);
}

}  // namespace

std::vector<Implementation> adaptive_max_pool_simd_implementations() {
  return simd_implementations({.unsupported = nullptr, .prepare = prepare, .depth = nullptr});
}

}  // namespace gradproof
#endif
