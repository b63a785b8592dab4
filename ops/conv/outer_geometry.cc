#include "ops/conv/outer_geometry.h"

#include <algorithm>

#include "ops/conv/column_groups.h"
#include "ops/conv/planes.h"
#include "ops/simd/outer_problem.h"

namespace gradproof {
namespace {

Index channels_of(const ConvShape& shape, bool forward) {
  return forward ? shape.ic_per_group() : shape.oc_per_group();
}

Index rows_of(const ConvShape& shape, bool forward) { return forward ? shape.oc_per_group() : shape.ic_per_group(); }

ConvGeometry geometry_of(const ConvShape& shape, bool forward, Padding padding) {
  return forward ? ConvGeometry::forward(shape.window, padding) : ConvGeometry::data_gradient(shape.window, padding);
}

// A vector is 16 columns here, so that all instruction sets choose alike.
double vectors(Index columns) {
  const Index count = (columns + 15) / 16;
  return static_cast<double>(count);
}

// Products of all vectors of columns: flat ones with the gaps between rows, or gathered, which takes a fiftieth longer.
double work(const ConvGeometry& geometry, Index images) {
  constexpr double kGathered = 1.02;
  double sum = 0;
  for (const SubConv& sub : geometry.subs) {
    if (sub.pixels() == 0) continue;
    const Index flat = geometry.planes.offset(sub.count[0] - 1, sub.count[1] - 1, sub.count[2] - 1) + 1 +
                       (images - 1) * geometry.planes.image_pitch();
    sum += static_cast<double>(sub.taps.size()) * std::min(vectors(flat), kGathered * vectors(images * sub.pixels()));
  }
  return sum;
}

// The same of columns in groups. To gather a vector of those takes as long as six multiply-adds.
double grouped_work(const ConvGeometry& geometry, Index images, Index rows) {
  const double gathered = 1 + 6 / static_cast<double>(std::min<Index>(rows, 128));
  const std::vector<std::vector<Column>> groups = group_columns(geometry, images, 0);
  double sum = 0;
  for (size_t i = 0; i < groups.size(); ++i)
    sum += static_cast<double>(geometry.subs[i].taps.size()) * vectors(static_cast<Index>(groups[i].size()));
  return gathered * sum;
}

bool has_steps(const ConvGeometry& geometry) {
  return std::any_of(geometry.subs.begin(), geometry.subs.end(), [](const SubConv& sub) {
    return sub.step != std::array<Index, 3>{1, 1, 1};
  });
}

}  // namespace

OuterGeometry outer_geometry(const ConvShape& shape, bool forward) {
  ConvGeometry all = geometry_of(shape, forward, Padding::kSkippedInDepth);
  const Index images = images_per_stack(all.planes, channels_of(shape, forward) * shape.g, shape.mb);
  if (images == 1) {
    // Of the time where the work is 0.93 to 0.96: 0.95 to 0.97 (14x14, 13x13, 28x28 with dilation 2; Zen 4, AVX-512).
    // 28x28 and 56x56, where it is 0.99, gained nothing.
    constexpr double kPays = 0.97;
    ConvGeometry less = geometry_of(shape, forward, Padding::kSkippedInRows);
    return {work(less, 1) < kPays * work(all, 1) ? std::move(less) : std::move(all), false};
  }
  // Of more taps there may be as many sub-convolutions, each to be compared with all others.
  constexpr Index kMostTaps = 27;
  if (has_steps(all) || shape.window.taps() > kMostTaps) return {std::move(all), false};
  // A data gradient fetches the weights of a chunk for each group (512 channels of 14x14, work 0.96: 1.02 to 1.05 of
  // the time, forward 0.96).
  const double pays = forward ? 0.97 : 0.95;
  ConvGeometry less = geometry_of(shape, forward, Padding::kSkipped);
  const bool groups = grouped_work(less, images, rows_of(shape, forward)) < pays * work(all, images);
  return {groups ? std::move(less) : std::move(all), groups};
}

double outer_geometry_depth(const ConvShape& shape, bool forward) {
  double depth = 0;
  for (const SubConv& sub : outer_geometry(shape, forward).geometry.subs)
    depth = std::max(depth, outer_depth(channels_of(shape, forward) * static_cast<Index>(sub.taps.size())));
  return depth;
}

}  // namespace gradproof
