// Pools that take a statistic of each window, and their gradients.

#if defined(GRADPROOF_WINDOW_STATISTIC_KERNELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_STATISTIC_KERNELS_INL_H
#undef GRADPROOF_WINDOW_STATISTIC_KERNELS_INL_H
#else
#define GRADPROOF_WINDOW_STATISTIC_KERNELS_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/padded_rows-inl.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/sources.h"
#include "ops/pool/window_statistics-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Bands are rows of all slices of an image, so that no slice is read again for each window that sees it. They need
// three times the workspace of a band in the first cache or more: they live in the second.
constexpr Index kSecondCache = 8;  // times kBandBytes

template <class Statistic>
class StatisticKernel : public PoolKernel {
 protected:
  struct Workspace {
    AlignedMemory<double> rows;    // [slice][row][phase][pitch]
    AlignedMemory<double> inputs;  // one row in its order
    AlignedMemory<double> sums;    // [slice][row][phase][pitch]: what arrived
    AlignedMemory<double> shares, centres;
    AlignedMemory<float> stage;
    Taps taps;
  };

  StatisticKernel(const Statistic& statistic, const PoolGeometry& g, int threads)
      : PoolKernel(g, threads),
        statistic_(statistic),
        slices_(Sources::inputs_of_windows(g_.d)),
        rows_of_(Sources::inputs_of_windows(g_.h)),
        axis_(g_.w),
        pitch_(WholeLines(axis_.elements + WideLanes())),
        row_size_(axis_.stride * pitch_),
        inside_(Filled(row_size_, 0.0)),
        counts_(At(g_.w.out + WideLanes()), 1.0) {
    for (Index r = 0; r < axis_.stride; ++r)
      std::fill(inside_.get() + r * pitch_ + axis_.first(r), inside_.get() + r * pitch_ + axis_.end(r), 1.0);
    for (Index k = 0; k < g_.w.kernel; ++k) {
      places_.push_back(axis_.place_of_tap(g_.w, k, pitch_));
      inside_taps_.push_back(inside_.get() + places_.back());
    }
    for (Index o = 0; o < g_.w.out; ++o) counts_[At(o)] = static_cast<double>(g_.w.taps_inside(o));
    for (first_ = 0; first_ < g_.w.out && g_.w.input_of(first_, 0) < 0;) ++first_;
    for (end_ = g_.w.out; end_ > first_ && g_.w.input_of(end_ - 1, g_.w.kernel - 1) >= g_.w.in;) --end_;
  }

  // After PlanBands: workspaces whose bands have `rows` rows of inputs, and stage `staged` floats.
  void PlanWorkspaces(Index rows, Index staged) {
    held_ = std::min(rows, g_.h.in);
    for (int thread = 0; thread < threads_; ++thread) {
      Workspace space{Filled(g_.d.in * held_ * row_size_, Statistic::kPadding),
                      Filled(g_.w.in + WideLanes(), 0.0),
                      nullptr,
                      nullptr,
                      nullptr,
                      Filled(staged, 0.0F),
                      {}};
      space.taps.reserve(At(g_.d.kernel * g_.h.kernel * g_.w.kernel));
      workspaces_.push_back(std::move(space));
    }
  }

  // Inputs that rows `from` ... `to` - 1 of windows see.
  Range InputsOf(Index from, Index to) const {
    const Index first = std::clamp<Index>(g_.h.input_of(from, 0), 0, g_.h.in);
    return {first, std::clamp<Index>(g_.h.input_of(to - 1, g_.h.kernel - 1) + 1, first, g_.h.in)};
  }

  // Row `row` of a band of slice `slice`.
  double* Row(const AlignedMemory<double>& rows, Index slice, Index row) const {
    return rows.get() + (slice * held_ + row) * row_size_;
  }

  void LoadRows(const float* src, Index plane, Range rows, Workspace& space) const {
    for (Index id = 0; id < g_.d.in; ++id)
      for (Index ih = rows.first; ih < rows.end; ++ih) {
        const float* from = src + ((plane * g_.d.in + id) * g_.h.in + ih) * g_.w.in;
        double* row = Row(space.rows, id, ih - rows.first);
        PromoteRow(statistic_, from, g_.w.in, axis_.stride == 1 ? row + axis_.pad : space.inputs.get());
        if (axis_.stride > 1) SplitPhases(axis_, pitch_, space.inputs.get(), row);
      }
  }

  // Windows (od, oh), where the rows in the workspace start with `first_row`.
  RowOfWindows WindowsAt(Index od, Index oh, Index first_row, Workspace& space) const {
    space.taps.clear();
    for (const Index id : slices_.of(od))
      for (const Index ih : rows_of_.of(oh))
        for (const Index place : places_) space.taps.push_back(Row(space.rows, id, ih - first_row) + place);
    return {space.taps, inside_taps_, counts_.data(), first_, end_, g_.w.out};
  }

  const Statistic statistic_;
  const Sources slices_, rows_of_;  // inputs of windows
  const PhasedAxis axis_;
  const Index pitch_, row_size_;
  std::vector<Index> places_;  // of taps along a row
  Index held_ = 0;             // rows of a slice that a workspace holds
  std::vector<Workspace> workspaces_;

 private:
  const AlignedMemory<double> inside_;
  Taps inside_taps_;
  std::vector<double> counts_;
  Index first_ = 0, end_ = 0;
};

template <class Statistic>
class StatisticForward final : public StatisticKernel<Statistic> {
 public:
  StatisticForward(const Statistic& statistic, const PoolGeometry& g, int threads)
      : StatisticKernel<Statistic>(statistic, g, threads) {
    this->PlanBands(g.h.out, 8 * g.d.in * std::min(g.h.stride, g.h.extent()) * this->row_size_ / kSecondCache + 1);
    const Index rows = this->band_rows_;
    this->PlanWorkspaces((rows - 1) * g.h.stride + g.h.extent(), rows * g.w.out + WideLanes());
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    const PoolGeometry& g = this->g_;
    this->ForEachBand(1, [&](Index thread, const Band& band) {
      auto& space = this->workspaces_[At(thread)];
      const Range inputs = this->InputsOf(band.row, band.row + band.rows);
      this->LoadRows(src, band.plane, inputs, space);
      for (Index od = 0; od < g.d.out; ++od) {
        for (Index row = 0; row < band.rows; ++row)
          WriteValues(this->statistic_, this->WindowsAt(od, band.row + row, inputs.first, space),
                      space.stage.get() + row * g.w.out);
        float* to = dst + ((band.plane * g.d.out + od) * g.h.out + band.row) * g.w.out;
        Map(Copy(), this->stores_, At(band.rows * g.w.out), to, space.stage.get());
      }
    });
  }
};

template <class Statistic>
class StatisticGradient final : public StatisticKernel<Statistic> {
 public:
  StatisticGradient(const Statistic& statistic, const PoolGeometry& g, int threads)
      : StatisticKernel<Statistic>(statistic, g, threads) {
    this->PlanBands(g.h.in, 16 * g.d.in * this->row_size_ / kSecondCache + 1);
    const Index rows = this->band_rows_;
    this->PlanWorkspaces(rows + 2 * g.h.extent(), rows * g.w.in + WideLanes());
    for (auto& space : this->workspaces_) {
      space.sums = Filled(g.d.in * this->held_ * this->row_size_, 0.0);
      space.shares = Filled(g.w.out + WideLanes(), 0.0);
      space.centres = Filled(g.w.out + WideLanes(), 0.0);
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    const float* diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    this->ForEachBand(1, [&](Index thread, const Band& band) {
      auto& space = this->workspaces_[At(thread)];
      Gather(src, diff_dst, band, space);
      for (Index id = 0; id < this->g_.d.in; ++id) Finish(src, band, id, space, diff_src);
    });
  }

 private:
  using Workspace = typename StatisticKernel<Statistic>::Workspace;

  // Sums, for each input of a band, of what its windows send: in the order of windows and taps, whatever the band.
  void Gather(const float* src, const float* diff_dst, const Band& band, Workspace& space) const {
    const PoolGeometry& g = this->g_;
    for (Index id = 0; id < g.d.in; ++id) std::fill_n(this->Row(space.sums, id, 0), band.rows * this->row_size_, 0.0);
    const Index first = std::clamp<Index>(g.h.first_window(band.row), 0, g.h.out);
    const Index end = std::clamp<Index>((band.row + band.rows - 1 + g.h.pad) / g.h.stride + 1, first, g.h.out);
    if (first == end) return;
    const Range inputs = this->InputsOf(first, end);
    this->LoadRows(src, band.plane, inputs, space);
    for (Index od = 0; od < g.d.out; ++od)
      for (Index oh = first; oh < end; ++oh) {
        const float* diff = diff_dst + ((band.plane * g.d.out + od) * g.h.out + oh) * g.w.out;
        FindShares(this->statistic_, this->WindowsAt(od, oh, inputs.first, space), diff, space.shares.get(),
                   space.centres.get());
        SendRow(od, oh, inputs.first, band, space);
      }
  }

  void SendRow(Index od, Index oh, Index first_row, const Band& band, Workspace& space) const {
    for (const Index id : this->slices_.of(od))
      for (const Index ih : this->rows_of_.of(oh)) {
        if (ih < band.row || ih >= band.row + band.rows) continue;
        const double* row = this->Row(space.rows, id, ih - first_row);
        double* sums = this->Row(space.sums, id, ih - band.row);
        for (const Index place : this->places_)
          Send(this->statistic_, space.shares.get(), space.centres.get(), this->g_.w.out, row + place, sums + place);
      }
  }

  void Finish(const float* src, const Band& band, Index id, Workspace& space, float* diff_src) const {
    const PoolGeometry& g = this->g_;
    const Index start = ((band.plane * g.d.in + id) * g.h.in + band.row) * g.w.in;
    for (Index row = 0; row < band.rows; ++row) {
      const double* sums = this->Row(space.sums, id, row);
      if (this->axis_.stride > 1) MergePhases(this->axis_, this->pitch_, sums, space.inputs.get());
      DemoteRow(this->statistic_, this->axis_.stride > 1 ? space.inputs.get() : sums + this->axis_.pad,
                src + start + row * g.w.in, g.w.in, space.stage.get() + row * g.w.in);
    }
    Map(Copy(), this->stores_, At(band.rows * g.w.in), diff_src + start, space.stage.get());
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_STATISTIC_KERNELS_INL_H
