#include "ops/pool/max_pool_simd.h"

#include <functional>
#include <limits>

#include "ops/pool/max_pool.h"
#include "ops/pool/phases.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/max_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/phase_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
// Workspace of a band, so that it stays in the L1 cache beside its input.
constexpr Index kBandBytes = Index{24} << 10;
// Elements below which a second thread does not pay: some 20 microseconds.
constexpr Index kSerial = 65536;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;

// A larger value is taken, and the first NaN: the first of equals and of NaNs stays.
HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) {
  return hn::AndNot(hn::Le(next, best), hn::Eq(best, best));
}

HWY_INLINE void StoreTaps(hn::Vec<DI> taps, std::int32_t* to) { hn::StoreU(taps, DI(), to); }
HWY_INLINE void StoreTaps(hn::Vec<DI> taps, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, DI> d;
  hn::StoreU(hn::DemoteTo(d, taps), d, to);
}

HWY_INLINE hn::Vec<DI> LoadTaps(const std::int32_t* from, size_t count) { return LoadFirst(DI(), from, count); }
HWY_INLINE hn::Vec<DI> LoadTaps(const std::uint8_t* from, size_t count) {
  return hn::PromoteTo(DI(), LoadFirst(hn::Rebind<std::uint8_t, DI>(), from, count));
}

// Calls f with `count` as a constant where it is 1 to 4, so that its loops unroll, otherwise with 0.
template <class F>
void WithConstant(Index count, const F& f) {
  switch (count) {
    case 1:
      return f(std::integral_constant<Index, 1>());
    case 2:
      return f(std::integral_constant<Index, 2>());
    case 3:
      return f(std::integral_constant<Index, 3>());
    case 4:
      return f(std::integral_constant<Index, 4>());
    default:
      return f(std::integral_constant<Index, 0>());
  }
}

// The maximum over taps along the row, and which tap it was: best[i] = max of cells[offsets[k] + i].
template <Index kTaps>
void RowMaxima(const float* HWY_RESTRICT cells, const std::vector<Index>& offsets, Index count,
               float* HWY_RESTRICT best, std::int32_t* HWY_RESTRICT taps) {
  const D d;
  const DI di;
  const auto n = kTaps > 0 ? kTaps : static_cast<Index>(offsets.size());
  const Index* HWY_RESTRICT offset = offsets.data();
  for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(d))) {
    auto value = hn::LoadU(d, cells + offset[0] + i);
    auto tap = hn::Zero(di);
    for (Index k = 1; k < n; ++k) {
      const auto next = hn::LoadU(d, cells + offset[k] + i);
      const auto take = Takes(next, value);
      value = hn::IfThenElse(take, next, value);
      tap = hn::IfThenElse(hn::RebindMask(di, take), hn::Set(di, static_cast<std::int32_t>(k)), tap);
    }
    hn::Store(value, d, best + i);
    hn::Store(tap, di, taps + i);
  }
}

// A row of taps within a window: where its row maxima are, and the number of its first tap.
struct TapRow {
  Index offset;
  std::int32_t first;
};

// The maximum over rows of taps, in their order. Returns whether some maximum is -inf.
template <Index kRows, typename T>
bool ColumnMaxima(const float* HWY_RESTRICT best, const std::int32_t* HWY_RESTRICT taps, const TapRow* rows,
                  Index row_count, Index count, float* HWY_RESTRICT out, T* HWY_RESTRICT argmax) {
  const D d;
  const DI di;
  const Index n = kRows > 0 ? kRows : row_count;
  auto lowest = hn::FirstN(d, 0);
  for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(d))) {
    auto value = hn::LoadU(d, best + rows[0].offset + i);
    auto tap = hn::Add(hn::LoadU(di, taps + rows[0].offset + i), hn::Set(di, rows[0].first));
    for (Index k = 1; k < n; ++k) {
      const auto next = hn::LoadU(d, best + rows[k].offset + i);
      const auto next_tap = hn::Add(hn::LoadU(di, taps + rows[k].offset + i), hn::Set(di, rows[k].first));
      const auto take = Takes(next, value);
      value = hn::IfThenElse(take, next, value);
      tap = hn::IfThenElse(hn::RebindMask(di, take), next_tap, tap);
    }
    lowest = hn::Or(lowest, hn::Eq(value, hn::Set(d, kLowest)));
    hn::StoreU(value, d, out + i);
    StoreTaps(tap, argmax + i);
  }
  return !hn::AllFalse(d, lowest);
}

// What both passes share: the geometry, bands of rows small enough for the L1 cache, and their distribution.
class PoolKernel : public Kernel {
 public:
  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  // `row_bytes`: workspace for each of `rows` rows of a band.
  PoolKernel(const MaxPoolAttributes& a, int threads)
      : g_(a.mb * a.c, a.window), threads_(g_.planes * g_.in_count() < kSerial ? 1 : threads) {
    const Index in = g_.planes * g_.in_count();
    const Index out = g_.planes * g_.out_count();
    stores_ = StoresFor(static_cast<size_t>(4 * in + 4 * out));
  }

  void PlanBands(Index rows, Index row_bytes) {
    const Index most = std::clamp(kBandBytes / row_bytes, std::min(rows, 2 * g_.h.max_shift() + 1), rows);
    bands_ = (rows + most - 1) / most;
    band_rows_ = (rows + bands_ - 1) / bands_;
  }

  // Calls band(thread, plane, slice, first row) for all bands of all slices (positions along d) of all planes.
  template <class F>
  void ForEachBand(Index slices, const F& band) const {
    const Index items = g_.planes * slices * bands_;
    const auto share = [&](Index thread) {
      for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item)
        band(thread, item / bands_ / slices, item / bands_ % slices, item % bands_ * band_rows_);
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  const PoolGeometry g_;
  const int threads_;
  Stores stores_;
  Index band_rows_ = 0;
  Index bands_ = 0;
};

// Each band of output rows: input rows into phases, maxima along rows, maxima of those along columns (and depth).
// A maximum in a row is found once for all windows that share the row.
template <typename T>
class MaxPoolForward final : public PoolKernel {
 public:
  MaxPoolForward(const MaxPoolAttributes& a, int threads) : PoolKernel(a, threads) {
    pitch_ = g_.w.out + g_.w.max_shift();
    PlanBands(g_.h.out, pitch_ * g_.h.phase_count() * (4 * g_.w.phase_count() + 8 * g_.d.kernel) + 10 * pitch_);
    cell_rows_ = band_rows_ + g_.h.max_shift();
    cells_ = g_.h.phase_count() * cell_rows_ * pitch_;
    block_ = WithSlack(cells_);
    plane_size_ = block_ + kSlack;
    for (Index tap = 0; tap < g_.w.kernel; ++tap)
      row_offsets_.push_back(g_.w.plane[At(tap)] * plane_size_ + g_.w.shift[At(tap)]);
    for (Index phase : g_.w.phases) runs_.push_back(g_.w.run(phase, pitch_));
    const Index dense = band_rows_ * pitch_ + kSlack;
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back(
          {Filled(g_.w.phase_count() * plane_size_, kLowest), Filled(g_.d.kernel * block_ + kSlack, kLowest),
           Filled(g_.d.kernel * block_ + kSlack, std::int32_t{0}), Filled(dense, 0.0F), Filled(dense, T{0}),
           Filled(dense, 0.0F), Filled(dense, T{0}), std::vector<TapRow>(At(g_.d.kernel * g_.h.kernel))});
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    ForEachBand(g_.d.out, [&](Index thread, Index plane, Index od, Index oh) {
      const Index rows = std::min(band_rows_, g_.h.out - oh);
      const Index at = ((plane * g_.d.out + od) * g_.h.out + oh) * g_.w.out;
      Workspace& space = workspaces_[At(thread)];
      Band(space, src + plane * g_.in_count(), od, oh, rows);
      const auto count = static_cast<size_t>(rows * g_.w.out);
      Map(Copy(), stores_, count, dst + at, space.dst.get());
      Map(Copy(), stores_, count, argmax + at, space.argmax.get());
    });
  }

 private:
  struct Workspace {
    Memory<float> cells;        // [phase w][phase h][cell row][pitch]
    Memory<float> best;         // [kd][phase h][cell row][pitch]
    Memory<std::int32_t> taps;  // as best
    Memory<float> gapped;       // [row][pitch]
    Memory<T> gapped_argmax;
    Memory<float> dst;  // [row][ow]
    Memory<T> argmax;
    std::vector<TapRow> rows;
  };

  static size_t At(Index index) { return static_cast<size_t>(index); }

  void Band(Workspace& space, const float* plane, Index od, Index oh, Index rows) const {
    Index tap_rows = 0;
    for (Index kd = 0, blocks = 0; kd < g_.d.kernel; ++kd) {
      const Index id = g_.d.input_of(od, kd);
      if (id < 0 || id >= g_.d.in) continue;
      SplitRows(plane + id * g_.h.in * g_.w.in, oh, rows, space.cells.get());
      const Index block = block_ * blocks++;
      WithConstant(g_.w.kernel, [&](auto taps) HWY_ATTR {
        RowMaxima<taps()>(space.cells.get(), row_offsets_, cells_, space.best.get() + block, space.taps.get() + block);
      });
      for (Index kh = 0; kh < g_.h.kernel; ++kh)
        space.rows[At(tap_rows++)] = {block + (g_.h.plane[At(kh)] * cell_rows_ + g_.h.shift[At(kh)]) * pitch_,
                                      static_cast<std::int32_t>((kd * g_.h.kernel + kh) * g_.w.kernel)};
    }
    const bool gaps = pitch_ != g_.w.out;
    float* dst = gaps ? space.gapped.get() : space.dst.get();
    T* argmax = gaps ? space.gapped_argmax.get() : space.argmax.get();
    bool lowest = false;
    WithConstant(tap_rows, [&](auto n) HWY_ATTR {
      lowest = ColumnMaxima<n()>(space.best.get(), space.taps.get(), space.rows.data(), tap_rows, rows * pitch_, dst,
                                 argmax);
    });
    if (gaps) {
      CloseGaps(dst, pitch_, rows, g_.w.out, space.dst.get());
      CloseGaps(argmax, pitch_, rows, g_.w.out, space.argmax.get());
    }
    if (lowest) PreferInput(space, od, oh, rows);
  }

  // Cells of the input rows that windows oh ... oh + rows - 1 see.
  void SplitRows(const float* slice, Index oh, Index rows, float* cells) const {
    for (Index plane = 0; plane < g_.h.phase_count(); ++plane)
      for (Index row = 0; row < rows + g_.h.max_shift(); ++row) {
        const Index ih = (oh + row) * g_.h.stride + g_.h.phases[At(plane)] - g_.h.pad;
        float* out = cells + (plane * cell_rows_ + row) * pitch_;
        for (const PhaseAxis::Run& run : runs_) {
          if (ih < 0 || ih >= g_.h.in)
            std::fill_n(out + run.cell, run.count, kLowest);
          else
            TakeEvery(g_.w.stride, slice + ih * g_.w.in + run.input, run.count, out + run.cell);
          out += plane_size_;
        }
      }
  }

  // Padding is -inf like any other -inf, but is never chosen: where the maximum is -inf, all input in the window is,
  // and the first tap within the input is the answer. Rare, so scalar.
  void PreferInput(Workspace& space, Index od, Index oh, Index rows) const {
    for (Index row = 0; row < rows; ++row)
      for (Index ow = 0; ow < g_.w.out; ++ow)
        if (const Index i = row * g_.w.out + ow; space.dst[At(i)] == kLowest)
          space.argmax[At(i)] = static_cast<T>(
              (g_.d.first_tap(od) * g_.h.kernel + g_.h.first_tap(oh + row)) * g_.w.kernel + g_.w.first_tap(ow));
  }

  Index pitch_ = 0;      // cells of a row of a phase
  Index cell_rows_ = 0;  // rows of a phase in a band
  Index block_ = 0;      // cells of a slice
  Index plane_size_ = 0;
  std::vector<Index> row_offsets_;
  std::vector<PhaseAxis::Run> runs_;
  std::vector<Workspace> workspaces_;
};

// A tap as the gradient sees it: from where to read, and its number within a slice of the window.
struct GradientTap {
  Index offset;
  std::int32_t number;
};

// sum[i] (+)= sum over taps of (argmax[i + offset] == number ? diff[i + offset] : 0).
inline void RouteGradient(const float* HWY_RESTRICT diff, const std::int32_t* HWY_RESTRICT argmax,
                          const std::vector<GradientTap>& taps, std::int32_t first, bool accumulate, Index count,
                          float* HWY_RESTRICT sum) {
  const D d;
  const DI di;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto routed = [&](Index i, hn::Vec<DI> number) HWY_ATTR {
    const auto chosen = hn::Eq(hn::LoadU(di, argmax + i), number);
    return hn::IfThenElseZero(hn::RebindMask(d, chosen), hn::LoadU(d, diff + i));
  };
  for (Index i = 0; i < count; i += 2 * lanes) {
    auto low = accumulate ? hn::Load(d, sum + i) : hn::Zero(d);
    auto high = accumulate ? hn::Load(d, sum + i + lanes) : hn::Zero(d);
    for (const GradientTap& tap : taps) {
      const auto number = hn::Set(di, first + tap.number);
      low = hn::Add(low, routed(i + tap.offset, number));
      high = hn::Add(high, routed(i + lanes + tap.offset, number));
    }
    hn::Store(low, d, sum + i);
    hn::Store(high, d, sum + i + lanes);
  }
}

// Gathers instead of scattering: each element sums what the windows over it send, tap by tap in a fixed order; every
// element is written once. diff_dst and argmax are laid out with gaps of "no tap" between rows, so that no edge needs a
// branch; the phases of the input interleave when they are stored.
template <typename T>
class MaxPoolGradient final : public PoolKernel {
 public:
  MaxPoolGradient(const MaxPoolAttributes& a, int threads) : PoolKernel(a, threads) {
    const Index phases = g_.h.stride * g_.w.stride;
    pitch_ = std::max(g_.w.in_cells(), g_.w.out + g_.w.max_shift());
    PlanBands(g_.h.in_cells(), 8 * pitch_ + 4 * phases * pitch_ + 4 * g_.h.stride * g_.w.in);
    PlanTaps();
    plane_size_ = WithSlack(band_rows_ * pitch_);
    for (int thread = 0; thread < threads_; ++thread) {
      const Index rows = (band_rows_ + g_.h.max_shift()) * pitch_ + 2 * kSlack + g_.w.max_shift();
      workspaces_.push_back({Filled(rows, 0.0F), Filled(rows, std::int32_t{-1}), Filled(phases * plane_size_, 0.0F),
                             Filled(band_rows_ * g_.h.stride * g_.w.in + kSlack, 0.0F)});
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const T* argmax = static_cast<const T*>(arguments[1].data);
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachBand(g_.d.in, [&](Index thread, Index plane, Index id, Index cell) {
      Workspace& space = workspaces_[static_cast<size_t>(thread)];
      const Index first = std::max<Index>(cell * g_.h.stride - g_.h.pad, 0);
      const Index last = std::min((cell + band_rows_) * g_.h.stride - g_.h.pad, g_.h.in);
      if (first >= last) return;
      SumBand(space, argmax + plane * g_.out_count(), diff_dst + plane * g_.out_count(), id, cell);
      for (Index ih = first; ih < last; ++ih)
        MergePhases(g_.w, Sums(space, ih, cell), plane_size_, space.diff_src.get() + (ih - first) * g_.w.in);
      Map(Copy(), stores_, static_cast<size_t>((last - first) * g_.w.in),
          diff_src + ((plane * g_.d.in + id) * g_.h.in + first) * g_.w.in, space.diff_src.get());
    });
  }

 private:
  struct Workspace {
    Memory<float> diff;           // [row of windows][pitch], behind kSlack and the largest shift
    Memory<std::int32_t> argmax;  // as diff; -1 in gaps
    Memory<float> sums;           // [phase h][phase w][row][pitch]
    Memory<float> diff_src;       // [row][iw]
  };

  // Taps for each phase of the input, by (phase h, phase w).
  void PlanTaps() {
    taps_.resize(static_cast<size_t>(g_.h.stride * g_.w.stride));
    for (Index kh = 0; kh < g_.h.kernel; ++kh)
      for (Index kw = 0; kw < g_.w.kernel; ++kw) {
        const auto h = static_cast<size_t>(kh);
        const auto w = static_cast<size_t>(kw);
        const Index phase = g_.h.phases[static_cast<size_t>(g_.h.plane[h])] * g_.w.stride +
                            g_.w.phases[static_cast<size_t>(g_.w.plane[w])];
        taps_[static_cast<size_t>(phase)].push_back({(g_.h.max_shift() - g_.h.shift[h]) * pitch_ - g_.w.shift[w],
                                                     static_cast<std::int32_t>(kh * g_.w.kernel + kw)});
      }
  }

  const float* Sums(const Workspace& space, Index ih, Index cell) const {
    const Index position = ih + g_.h.pad;
    return space.sums.get() + position % g_.h.stride * g_.w.stride * plane_size_ +
           (position / g_.h.stride - cell) * pitch_;
  }

  void SumBand(Workspace& space, const T* argmax, const float* diff_dst, Index id, Index cell) const {
    const Index lead = kSlack + g_.w.max_shift();
    bool accumulate = false;
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index start = id + g_.d.pad - kd * g_.d.dilation;
      const Index od = start / g_.d.stride;
      if (start < 0 || start % g_.d.stride != 0 || od >= g_.d.out) continue;
      const Index slice = od * g_.h.out * g_.w.out;
      LayOut(argmax + slice, diff_dst + slice, cell, space.diff.get() + lead, space.argmax.get() + lead);
      const auto first = static_cast<std::int32_t>(kd * g_.h.kernel * g_.w.kernel);
      for (size_t phase = 0; phase < taps_.size(); ++phase)
        RouteGradient(space.diff.get() + lead, space.argmax.get() + lead, taps_[phase], first, accumulate,
                      band_rows_ * pitch_, space.sums.get() + static_cast<Index>(phase) * plane_size_);
      accumulate = true;
    }
    if (!accumulate) std::fill_n(space.sums.get(), static_cast<Index>(taps_.size()) * plane_size_, 0.0F);
  }

  // Rows of windows that reach into the band. The vector that ends a row writes "no tap" beyond it.
  void LayOut(const T* argmax, const float* diff_dst, Index cell, float* HWY_RESTRICT diff,
              std::int32_t* HWY_RESTRICT taps) const {
    const D d;
    const DI di;
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    for (Index row = 0; row < band_rows_ + g_.h.max_shift(); ++row, diff += pitch_, taps += pitch_) {
      const Index oh = cell - g_.h.max_shift() + row;
      const bool outside = oh < 0 || oh >= g_.h.out;
      for (Index i = 0; i < g_.w.out; i += lanes) {
        const auto count = static_cast<size_t>(outside ? 0 : std::min(lanes, g_.w.out - i));
        const Index at = outside ? 0 : oh * g_.w.out + i;
        const auto valid = hn::FirstN(di, count);
        hn::StoreU(hn::IfThenElse(valid, LoadTaps(argmax + at, count), hn::Set(di, -1)), di, taps + i);
        hn::StoreU(LoadFirst(d, diff_dst + at, count), d, diff + i);
      }
    }
  }

  Index pitch_ = 0;
  Index plane_size_ = 0;
  std::vector<std::vector<GradientTap>> taps_;
  std::vector<Workspace> workspaces_;
};

std::unique_ptr<Kernel> Prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const MaxPoolAttributes a = max_pool_attributes(c.attributes);
  const bool byte = a.argmax_type() == ElementType::kUint8;
  if (pass.is_forward() && byte) return std::make_unique<MaxPoolForward<std::uint8_t>>(a, options.threads);
  if (pass.is_forward()) return std::make_unique<MaxPoolForward<std::int32_t>>(a, options.threads);
  if (byte) return std::make_unique<MaxPoolGradient<std::uint8_t>>(a, options.threads);
  return std::make_unique<MaxPoolGradient<std::int32_t>>(a, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(Prepare);

std::vector<Implementation> max_pool_simd_implementations() {
  return simd_implementations(
      {.unsupported = nullptr,
       .prepare = [](const Case& c, const Pass& pass,
                     const PrepareOptions& options) { return HWY_DYNAMIC_DISPATCH(Prepare)(c, pass, options); },
       .depth = nullptr});
}

}  // namespace gradproof
#endif
