#include "ops/conv/outer_geometry.h"

#include <algorithm>

#include "ops/conv/planes.h"
#include "ops/simd/outer_problem.h"

namespace gradproof {
namespace {

Index channels_of(const ConvShape& shape, bool forward) {
  return forward ? shape.ic_per_group() : shape.oc_per_group();
}

ConvGeometry geometry_of(const ConvShape& shape, bool forward, Padding padding) {
  return forward ? ConvGeometry::forward(shape.window, padding) : ConvGeometry::data_gradient(shape.window, padding);
}

// Products of all vectors of columns of an image, a vector being 16 here, so that all instruction sets choose alike:
// flat columns with the gaps between rows, or gathered ones, which take a fiftieth longer.
double work(const ConvGeometry& geometry) {
  constexpr double kGathered = 1.02;
  const auto vectors = [](Index columns) {
    const Index count = (columns + 15) / 16;
    return static_cast<double>(count);
  };
  double sum = 0;
  for (const SubConv& sub : geometry.subs) {
    if (sub.pixels() == 0) continue;
    const Index flat = geometry.planes.offset(sub.count[0] - 1, sub.count[1] - 1, sub.count[2] - 1) + 1;
    sum += static_cast<double>(sub.taps.size()) * std::min(vectors(flat), kGathered * vectors(sub.pixels()));
  }
  return sum;
}

}  // namespace

ConvGeometry outer_geometry(const ConvShape& shape, bool forward) {
  // Of the time where the work is 0.93 to 0.96: 0.95 to 0.97 (14x14, 13x13, 28x28 with dilation 2; Zen 4, AVX-512).
  // Stacked images gained nothing, nor did 28x28 and 56x56, where it is 0.99.
  constexpr double kPays = 0.97;
  ConvGeometry all = geometry_of(shape, forward, Padding::kSkippedInDepth);
  if (images_per_stack(all.planes, channels_of(shape, forward) * shape.g, shape.mb) > 1) return all;
  ConvGeometry less = geometry_of(shape, forward, Padding::kSkippedInRows);
  return work(less) < kPays * work(all) ? less : all;
}

double outer_geometry_depth(const ConvShape& shape, bool forward) {
  double depth = 0;
  for (const SubConv& sub : outer_geometry(shape, forward).subs)
    depth = std::max(depth, outer_depth(channels_of(shape, forward) * static_cast<Index>(sub.taps.size())));
  return depth;
}

}  // namespace gradproof
