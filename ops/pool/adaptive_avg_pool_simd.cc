#include "ops/pool/adaptive_avg_pool_simd.h"

#include <functional>

#include "ops/pool/adaptive_avg_pool.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/adaptive_avg_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/window_sums-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Elements of a plane from which on it is streamed: its ends are partial cache lines, which streaming does not like.
constexpr Index kStreamedPlane = 1024;

// Sums of the elements of windows along a row.
class RowCells {
 public:
  explicit RowCells(const AdaptiveAxis& axis) : axis_(axis), largest_(axis.largest()) {
    first_.resize(At(axis.out + Lanes()), 0);
    size_.resize(first_.size(), 0);
    for (Index o = 0; o < axis.out; ++o) {
      first_[At(o)] = static_cast<std::int32_t>(axis.first(o));
      size_[At(o)] = static_cast<std::int32_t>(axis.size(o));
    }
  }

  // to[o] = finish(sum of row[i] over window o, o). Reads up to `largest` elements behind the row, writes a vector
  // behind its windows.
  template <class Finish>
  void Sum(const float* HWY_RESTRICT row, const Finish& finish, float* HWY_RESTRICT to) const {
    if (largest_ > 2 * Lanes()) {
      for (Index o = 0; o < axis_.out; ++o) to[o] = SumOfCell(row + axis_.first(o), axis_.size(o));
      for (Index o = 0; o < axis_.out; o += Lanes()) hn::StoreU(finish(hn::LoadU(D(), to + o), o), D(), to + o);
    } else {
      for (Index o = 0; o < axis_.out; o += Lanes()) hn::StoreU(finish(SumsOfCells(row, o), o), D(), to + o);
    }
  }

  Index largest() const { return largest_; }

 private:
  // Of a long window: its elements side by side.
  static float SumOfCell(const float* from, Index count) {
    const D d;
    auto sum = hn::Zero(d);
    Index i = 0;
    for (; i + Lanes() <= count; i += Lanes()) sum = hn::Add(sum, hn::LoadU(d, from + i));
    sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, At(count - i)), hn::LoadU(d, from + i)));
    return hn::GetLane(hn::SumOfLanes(d, sum));
  }

  // Of short ones: windows side by side.
  HWY_INLINE hn::Vec<D> SumsOfCells(const float* HWY_RESTRICT row, Index o) const {
    const D d;
    const DI di;
    const auto first = hn::LoadU(di, first_.data() + o), size = hn::LoadU(di, size_.data() + o);
    auto sum = hn::Zero(d);
    for (std::int32_t k = 0; k < static_cast<std::int32_t>(largest_); ++k) {
      const auto element = hn::GatherIndex(d, row + k, first);
      sum = hn::Add(sum, hn::IfThenElseZero(hn::RebindMask(d, hn::Gt(size, hn::Set(di, k))), element));
    }
    return sum;
  }

  const AdaptiveAxis axis_;
  const Index largest_;
  std::vector<std::int32_t> first_, size_;
};

// What windows are divided by: whole numbers, exact as their products are.
class WindowSizes {
 public:
  explicit WindowSizes(const std::array<AdaptiveAxis, 3>& axes) : axes_(axes), along_(At(axes[2].out + Lanes()), 1.0F) {
    for (Index o = 0; o < axes[2].out; ++o) along_[At(o)] = static_cast<float>(axes[2].size(o));
  }

  Quotient operator()(Index od, Index oh) const {
    return {along_.data(), nullptr, static_cast<float>(axes_[0].size(od) * axes_[1].size(oh))};
  }

 private:
  const std::array<AdaptiveAxis, 3> axes_;
  std::vector<float> along_;
};

Whole Undivided(Index, Index) { return {}; }

// Planes of sums over windows. Both directions are one: the windows over an input are windows of the outputs.
class AdaptiveKernel : public Kernel {
 public:
  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  struct Workspace {
    AlignedMemory<float> columns, row, stage;
    Terms rows;
  };

  AdaptiveKernel(Index planes, const std::array<AdaptiveAxis, 3>& axes, int threads)
      : d_(axes[0]), h_(axes[1]), w_(axes[2]), cells_(axes[2]), planes_(planes) {
    const Index from = d_.in * h_.in * w_.in, to = d_.out * h_.out * w_.out;
    threads_ = planes * (from + to) < kSerialElements ? 1 : threads;
    if (to >= kStreamedPlane) stores_ = stores_for(static_cast<size_t>(4 * planes * (from + to)));
    for (int thread = 0; thread < threads_; ++thread) {
      workspaces_.push_back({Filled(std::max(w_.in, Lanes()) + cells_.largest() + Lanes(), 0.0F),
                             Filled(w_.out + Lanes(), 0.0F),
                             Filled(w_.out + 2 * kLineFloats, 0.0F),
                             {}});
      workspaces_.back().rows.reserve(At(d_.largest() * h_.largest()));
    }
  }

  // Calls run(plane, thread) for all planes.
  template <class Run>
  void ForEachPlane(const Run& run) const {
    const auto share = [&](Index thread) {
      for (Index plane = planes_ * thread / threads_; plane < planes_ * (thread + 1) / threads_; ++plane)
        run(plane, thread);
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  // to = finish_of(od, oh)(sum over windows of from, ow). Rows whose windows hold the same rows are the same.
  template <class FinishOf>
  void SumPlane(const float* from, const FinishOf& finish_of, Workspace& space, float* to) const {
    LineStream stream(stores_, space.stage.get(), to);
    for (Index od = 0; od < d_.out; ++od)
      for (Index oh = 0; oh < h_.out; ++oh) {
        if (FindRows(from, od, oh, space)) {
          SumRows({1, w_.in, 0, 0, 0}, space.rows, space.columns.get());
          cells_.Sum(space.columns.get(), finish_of(od, oh), space.row.get());
        }
        std::copy_n(space.row.get(), w_.out, stream.next());
        stream.push(w_.out);
      }
    stream.finish();
  }

  const AdaptiveAxis d_, h_, w_;
  mutable std::vector<Workspace> workspaces_;

 private:
  // The rows that windows (od, oh) hold. Returns whether they are others than before.
  bool FindRows(const float* from, Index od, Index oh, Workspace& space) const {
    const auto row_at = [&](Index d, Index h) { return from + (d * h_.in + h) * w_.in; };
    const float* last = row_at(d_.end(od) - 1, h_.end(oh) - 1);
    const bool first_row = od == 0 && oh == 0;
    if (!first_row && space.rows.front() == row_at(d_.first(od), h_.first(oh)) && space.rows.back() == last)
      return false;
    space.rows.clear();
    for (Index d = d_.first(od); d < d_.end(od); ++d)
      for (Index h = h_.first(oh); h < h_.end(oh); ++h) space.rows.push_back(row_at(d, h));
    return true;
  }

  const RowCells cells_;
  const Index planes_;
  int threads_ = 1;
  Stores stores_ = Stores::kCached;
};

class AdaptiveAverage final : public AdaptiveKernel {
 public:
  AdaptiveAverage(const AdaptivePoolAttributes& a, int threads)
      : AdaptiveKernel(a.mb * a.c, a.axes, threads), sizes_(a.axes) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    ForEachPlane([&](Index plane, Index thread) {
      SumPlane(src + plane * d_.in * h_.in * w_.in, sizes_, workspaces_[At(thread)],
               dst + plane * d_.out * h_.out * w_.out);
    });
  }

 private:
  const WindowSizes sizes_;
};

class AdaptiveGradient final : public AdaptiveKernel {
 public:
  AdaptiveGradient(const AdaptivePoolAttributes& a, int threads)
      : AdaptiveKernel(a.mb * a.c, WindowsOverInputs(a.axes), threads), sizes_(a.axes) {
    for (size_t thread = 0; thread < workspaces_.size(); ++thread)
      shares_.push_back(Filled(d_.in * h_.in * w_.in + Lanes(), 0.0F));
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    ForEachPlane([&](Index plane, Index thread) {
      float* shares = shares_[At(thread)].get();
      FindShares(diff_dst + plane * d_.in * h_.in * w_.in, shares);
      SumPlane(shares, Undivided, workspaces_[At(thread)], diff_src + plane * d_.out * h_.out * w_.out);
    });
  }

 private:
  static std::array<AdaptiveAxis, 3> WindowsOverInputs(const std::array<AdaptiveAxis, 3>& axes) {
    return {axes[0].windows_over_inputs(), axes[1].windows_over_inputs(), axes[2].windows_over_inputs()};
  }

  // What windows send to each of their inputs.
  void FindShares(const float* diff_dst, float* shares) const {
    for (Index od = 0; od < d_.in; ++od)
      for (Index oh = 0; oh < h_.in; ++oh) {
        const Index at = (od * h_.in + oh) * w_.in;
        FinishRow(diff_dst + at, w_.in, sizes_(od, oh), shares + at);
      }
  }

  const WindowSizes sizes_;
  std::vector<AlignedMemory<float>> shares_;  // of a plane
};

std::unique_ptr<Kernel> PrepareAdaptiveAvgPool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const AdaptivePoolAttributes a = adaptive_pool_attributes(c.attributes);
  if (pass.is_forward()) return std::make_unique<AdaptiveAverage>(a, options.threads);
  return std::make_unique<AdaptiveGradient>(a, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareAdaptiveAvgPool);

std::vector<Implementation> adaptive_avg_pool_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareAdaptiveAvgPool)(plan...); }});
}

}  // namespace gradproof
#endif
