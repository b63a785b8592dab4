#include "ops/conv/geometry.h"

#include <algorithm>
#include <utility>

namespace gradproof {
namespace {

Index ceil_div(Index a, Index b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

// Taps of one axis that read a phase, with the constant in x = o + shift.
struct AxisTap {
  Index number;
  Index phase;  // index into PlaneAxis::phases
  Index shift;
};

struct AxisSub {
  std::vector<AxisTap> taps;
  Index start, step, count;
};
using AxisSubs = std::vector<AxisSub>;

// Zeros that row j's end and row j + 1's start have in common, for every phase.
Index shared_zeros(const PlaneAxis& axis) {
  Index shared = axis.length;
  for (Index phase : axis.phases) shared = std::min({shared, axis.first(phase), axis.length - axis.last(phase)});
  return std::max<Index>(shared, 0);
}

void set_pitch(PlaneAxis& axis, Index outputs) { axis.pitch = std::max(axis.length - shared_zeros(axis), outputs); }

Index phase_index(PlaneAxis& axis, Index phase) {
  const auto it = std::find(axis.phases.begin(), axis.phases.end(), phase);
  if (it != axis.phases.end()) return it - axis.phases.begin();
  axis.phases.push_back(phase);
  return static_cast<Index>(axis.phases.size()) - 1;
}

// Tap k of output o reads padded element o * stride + k * dilation = (o + shift) * stride + phase.
AxisSub forward_axis(const WindowAxis& window, PlaneAxis& axis) {
  axis = {window.in, window.stride, window.pad_lo, 1, 1, {}};
  AxisSub sub{{}, 0, 1, window.out()};
  for (Index k = 0; k < window.kernel; ++k) {
    const Index shift = k * window.dilation / window.stride;
    sub.taps.push_back({k, phase_index(axis, k * window.dilation % window.stride), shift});
    axis.length = std::max(axis.length, sub.count + shift);
  }
  set_pitch(axis, sub.count);
  return sub;
}

// Input i = j * stride + residue - pad_lo receives from outputs o = j - floor(k * dilation / stride) of the taps whose
// k * dilation has that residue.
AxisSubs data_gradient_axis(const WindowAxis& window, PlaneAxis& axis) {
  axis = {window.out(), 1, 0, 1, 1, {0}};
  AxisSubs subs;
  bool any_tap = false;
  for (Index residue = 0; residue < window.stride; ++residue) {
    const Index first = std::max<Index>(0, ceil_div(window.pad_lo - residue, window.stride));
    const Index start = first * window.stride + residue - window.pad_lo;
    if (start >= window.in) continue;
    AxisSub sub{{}, start, window.stride, (window.in - 1 - start) / window.stride + 1};
    for (Index k = 0; k < window.kernel; ++k) {
      if (k * window.dilation % window.stride != residue) continue;
      const Index shift = first - k * window.dilation / window.stride;
      sub.taps.push_back({k, 0, shift});
      axis.lead = any_tap ? std::max(axis.lead, -shift) : -shift;
      any_tap = true;
    }
    subs.push_back(std::move(sub));
  }
  Index most = 0;
  for (AxisSub& sub : subs) {
    for (AxisTap& tap : sub.taps) {
      tap.shift += axis.lead;
      axis.length = std::max(axis.length, sub.count + tap.shift);
    }
    most = std::max(most, sub.count);
  }
  set_pitch(axis, most);
  return subs;
}

// Cuts a sub-convolution's outputs along an axis into stretches for which the same taps read elements of the source.
AxisSubs without_padding(const AxisSub& sub, const PlaneAxis& axis) {
  const auto reads_source = [&](const AxisTap& tap, Index output) {
    const Index phase = axis.phases[static_cast<size_t>(tap.phase)];
    return axis.first(phase) <= output + tap.shift && output + tap.shift < axis.last(phase);
  };
  const auto same_taps = [&](Index a, Index b) {
    return std::all_of(sub.taps.begin(), sub.taps.end(),
                       [&](const AxisTap& tap) { return reads_source(tap, a) == reads_source(tap, b); });
  };
  AxisSubs parts;
  for (Index first = 0, end; first < sub.count; first = end) {
    for (end = first + 1; end < sub.count && same_taps(first, end);) ++end;
    AxisSub part{{}, sub.start + first * sub.step, sub.step, end - first};
    for (const AxisTap& tap : sub.taps)
      if (reads_source(tap, first)) part.taps.push_back({tap.number, tap.phase, tap.shift + first});
    parts.push_back(std::move(part));
  }
  return parts;
}

AxisSubs without_padding(const AxisSubs& subs, const PlaneAxis& axis) {
  AxisSubs all;
  for (const AxisSub& sub : subs)
    for (AxisSub& part : without_padding(sub, axis)) all.push_back(std::move(part));
  return all;
}

SubConv combine(const Window& window, const Planes& planes, const std::array<const AxisSub*, 3>& axes) {
  SubConv sub;
  for (size_t axis = 0; axis < 3; ++axis) {
    sub.start[axis] = axes[axis]->start;
    sub.step[axis] = axes[axis]->step;
    sub.count[axis] = axes[axis]->count;
  }
  const auto phases_h = static_cast<Index>(planes.axes[1].phases.size());
  const auto phases_w = static_cast<Index>(planes.axes[2].phases.size());
  for (const AxisTap& d : axes[0]->taps)
    for (const AxisTap& h : axes[1]->taps)
      for (const AxisTap& w : axes[2]->taps)
        sub.taps.push_back({(d.number * window.axes[1].kernel + h.number) * window.axes[2].kernel + w.number,
                            (d.phase * phases_h + h.phase) * phases_w + w.phase,
                            planes.offset(d.shift, h.shift, w.shift)});
  return sub;
}

std::vector<SubConv> combine_all(const Window& window, const Planes& planes, std::array<AxisSubs, 3> axes,
                                 Padding padding) {
  if (padding >= Padding::kSkippedInDepth) axes[0] = without_padding(axes[0], planes.axes[0]);
  if (padding >= Padding::kSkippedInRows) axes[1] = without_padding(axes[1], planes.axes[1]);
  if (padding >= Padding::kSkipped) axes[2] = without_padding(axes[2], planes.axes[2]);
  std::vector<SubConv> subs;
  for (const AxisSub& d : axes[0])
    for (const AxisSub& h : axes[1])
      for (const AxisSub& w : axes[2]) subs.push_back(combine(window, planes, {&d, &h, &w}));
  return subs;
}

}  // namespace

Index PlaneAxis::first(Index phase) const { return std::clamp<Index>(ceil_div(lead - phase, step), 0, length); }

Index PlaneAxis::last(Index phase) const {
  return std::clamp<Index>(ceil_div(source + lead - phase, step), first(phase), length);
}

Index Planes::phase_count() const {
  size_t count = 1;
  for (const PlaneAxis& axis : axes) count *= axis.phases.size();
  return static_cast<Index>(count);
}

bool Planes::is_dense() const {
  return std::all_of(axes.begin(), axes.end(), [](const PlaneAxis& axis) {
    return axis.step == 1 && axis.lead == 0 && axis.length == axis.source && axis.pitch == axis.source;
  });
}

Index Planes::phase_pitch(Index images) const {
  // The last image ends with its full length: the zeros it would share have no successor.
  return (images - 1) * image_pitch() + offset(axes[0].length - 1, axes[1].length - 1, axes[2].length - 1) + 1;
}

ConvGeometry ConvGeometry::forward(const Window& window, Padding padding) {
  ConvGeometry geometry;
  std::array<AxisSubs, 3> axes;
  for (size_t axis = 0; axis < 3; ++axis) {
    axes[axis] = {forward_axis(window.axes[axis], geometry.planes.axes[axis])};
    geometry.output[axis] = window.axes[axis].out();
  }
  geometry.subs = combine_all(window, geometry.planes, std::move(axes), padding);
  return geometry;
}

ConvGeometry ConvGeometry::forward_unphased(const Window& window) {
  Window dense = window;
  for (size_t axis = 1; axis < 3; ++axis) {
    dense.axes[axis].windows = (window.axes[axis].out() - 1) * window.axes[axis].stride + 1;
    dense.axes[axis].stride = 1;
  }
  ConvGeometry geometry = forward(dense);
  for (size_t axis = 0; axis < 3; ++axis) geometry.output[axis] = window.axes[axis].out();
  geometry.subs[0].count = geometry.output;
  return geometry;
}

ConvGeometry ConvGeometry::data_gradient(const Window& window, Padding padding) {
  ConvGeometry geometry;
  std::array<AxisSubs, 3> axes;
  for (size_t axis = 0; axis < 3; ++axis) {
    axes[axis] = data_gradient_axis(window.axes[axis], geometry.planes.axes[axis]);
    geometry.output[axis] = window.axes[axis].in;
  }
  geometry.subs = combine_all(window, geometry.planes, std::move(axes), padding);
  return geometry;
}

Index flat_pixels(const ConvGeometry& forward) {
  return forward.planes.offset(forward.output[0] - 1, forward.output[1] - 1, forward.output[2] - 1) + 1;
}

namespace {

// Columns of the next tile when `columns` are left.
Index tile_width(Index columns, TileUnits units) {
  const Index vectors = ceil_div(columns, units.lanes);
  return ceil_div(vectors, ceil_div(vectors, units.most_vectors)) * units.lanes;
}

void open_tile(TilePlan& plan, Index first_pixel) {
  const auto run = static_cast<Index>(plan.runs.size());
  plan.tiles.push_back({first_pixel, 0, run, run, static_cast<Index>(plan.pixels.size())});
}

// Repeats the last pixel of a compact plan until its vector is full.
void fill_vector(TilePlan& plan, Index lanes) {
  while (static_cast<Index>(plan.pixels.size()) % lanes != 0) plan.pixels.push_back(plan.pixels.back());
}

// Adds columns to the last tile; a run goes on where the output does.
void add_run(TilePlan& plan, const TilePlan::Run& run, Index step) {
  TilePlan::Tile& tile = plan.tiles.back();
  tile.width = run.column + run.length;
  if (tile.last_run > tile.first_run && step == 1) {
    TilePlan::Run& last = plan.runs.back();
    if (last.column + last.length == run.column && last.output + last.length == run.output) {
      last.length += run.length;
      return;
    }
  }
  plan.runs.push_back(run);
  ++tile.last_run;
}

}  // namespace

TilePlan plan_flat_tiles(const ConvGeometry& geometry, const SubConv& sub, Index images, TileUnits units,
                         Index image_size) {
  TilePlan plan;
  Index end = 0;
  for_each_row(geometry, sub, images, image_size, [&](Index pixel, Index) { end = pixel + sub.count[2]; });
  Index tile_end = 0;
  for_each_row(geometry, sub, images, image_size, [&](Index pixel, Index output) {
    for (Index w = 0; w < sub.count[2];) {
      if (pixel + w >= tile_end) {
        open_tile(plan, pixel + w);
        tile_end = pixel + w + tile_width(end - pixel - w, units);
      }
      const Index length = std::min(tile_end - pixel - w, sub.count[2] - w);
      add_run(plan, {pixel + w - plan.tiles.back().first_pixel, length, output + w * sub.step[2]}, sub.step[2]);
      w += length;
    }
  });
  return plan;
}

TilePlan plan_compact_tiles(const ConvGeometry& geometry, const SubConv& sub, Index images, TileUnits units,
                            Index image_size) {
  CompactTiles tiles(images * sub.pixels(), units);
  for_each_row(geometry, sub, images, image_size,
               [&](Index pixel, Index output) { tiles.add(pixel, output, sub.count[2], sub.step[2]); });
  return tiles.finish();
}

CompactTiles::CompactTiles(Index columns, TileUnits units) : units_(units), left_(columns) {
  plan_.single_columns = units.single_columns;
}

void CompactTiles::add(Index pixel, Index output, Index count, Index step) {
  for (Index w = 0; w < count;) {
    if (room_ == 0) {
      fill_vector(plan_, units_.lanes);
      open_tile(plan_, 0);
      room_ = left_ > units_.single_columns ? tile_width(left_ - units_.single_columns, units_) : 1;
    }
    const Index length = std::min(room_, count - w);
    for (Index i = 0; i < length; ++i) plan_.pixels.push_back(static_cast<std::int32_t>(pixel + w + i));
    add_run(plan_, {plan_.tiles.back().width, length, output + w * step}, step);
    room_ -= length;
    left_ -= length;
    w += length;
  }
}

TilePlan CompactTiles::finish() {
  fill_vector(plan_, units_.lanes);
  return std::move(plan_);
}

void keep_tiles_within(TilePlan& plan, Index lanes, Index limit) {
  for (TilePlan::Tile& tile : plan.tiles) {
    const Index end = tile.first_pixel + (tile.width + lanes - 1) / lanes * lanes;
    const Index shift = end - limit;
    if (shift <= 0) continue;
    tile.first_pixel -= shift;
    tile.width += shift;
    for (Index run = tile.first_run; run < tile.last_run; ++run) plan.runs[static_cast<size_t>(run)].column += shift;
  }
}

}  // namespace gradproof
