#include "ops/conv/geometry.h"

#include <algorithm>

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
std::vector<AxisSub> data_gradient_axis(const WindowAxis& window, PlaneAxis& axis) {
  axis = {window.out(), 1, 0, 1, 1, {0}};
  std::vector<AxisSub> subs;
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

ConvGeometry ConvGeometry::forward(const Window& window) {
  ConvGeometry geometry;
  std::array<AxisSub, 3> axes;
  for (size_t axis = 0; axis < 3; ++axis) {
    axes[axis] = forward_axis(window.axes[axis], geometry.planes.axes[axis]);
    geometry.output[axis] = window.axes[axis].out();
  }
  geometry.subs.push_back(combine(window, geometry.planes, {&axes[0], &axes[1], &axes[2]}));
  return geometry;
}

ConvGeometry ConvGeometry::data_gradient(const Window& window) {
  ConvGeometry geometry;
  std::array<std::vector<AxisSub>, 3> axes;
  for (size_t axis = 0; axis < 3; ++axis) {
    axes[axis] = data_gradient_axis(window.axes[axis], geometry.planes.axes[axis]);
    geometry.output[axis] = window.axes[axis].in;
  }
  for (const AxisSub& d : axes[0])
    for (const AxisSub& h : axes[1])
      for (const AxisSub& w : axes[2]) geometry.subs.push_back(combine(window, geometry.planes, {&d, &h, &w}));
  return geometry;
}

TilePlan plan_tiles(const ConvGeometry& geometry, const SubConv& sub, Index images, Index width, Index image_size) {
  TilePlan plan;
  const Planes& planes = geometry.planes;
  const auto open_tile = [&](Index pixel) {
    plan.tiles.push_back({pixel, 0, static_cast<Index>(plan.runs.size()), static_cast<Index>(plan.runs.size())});
  };
  for (Index n = 0; n < images; ++n)
    for (Index d = 0; d < sub.count[0]; ++d)
      for (Index h = 0; h < sub.count[1]; ++h) {
        const Index pixel = n * planes.image_pitch() + planes.offset(d, h, 0);
        const Index row = (sub.start[0] + d * sub.step[0]) * geometry.output[1] + sub.start[1] + h * sub.step[1];
        const Index output = n * image_size + row * geometry.output[2] + sub.start[2];
        for (Index w = 0; w < sub.count[2];) {
          if (plan.tiles.empty() || pixel + w >= plan.tiles.back().first_pixel + width) open_tile(pixel + w);
          TilePlan::Tile& tile = plan.tiles.back();
          const Index column = pixel + w - tile.first_pixel;
          const Index length = std::min(width - column, sub.count[2] - w);
          plan.runs.push_back({column, length, output + w * sub.step[2]});
          tile.width = column + length;
          ++tile.last_run;
          w += length;
        }
      }
  return plan;
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
