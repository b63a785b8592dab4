#include "ops/norm/lrn_plan.h"

#include <cmath>

#include "ops/core/window.h"

namespace gradproof {

double LrnAttributes::share() const {
  return alpha / std::pow(static_cast<double>(size), static_cast<double>(within ? rank : 1));
}

LrnWindow LrnAttributes::window(Index extent) const {
  return {std::min(size / 2, extent - 1), std::min((size - 1) / 2, extent - 1)};
}

std::array<LrnWindow, 3> LrnAttributes::spatial() const {
  std::array<LrnWindow, 3> windows;
  for (size_t axis = 0; axis < 3; ++axis)
    if (within) windows[axis] = window(in[axis]);
  return windows;
}

LrnAttributes lrn_attributes(const Attributes& attributes) {
  const Window window = window_of(attributes);
  return {.mb = attributes.integer("mb"),
          .c = attributes.integer("c"),
          .in = {window.axes[0].in, window.axes[1].in, window.axes[2].in},
          .rank = window.rank,
          .size = attributes.integer("size"),
          .within = attributes.flag("within"),
          .alpha = attributes.real("alpha"),
          .beta = attributes.real("beta"),
          .k = attributes.real("k")};
}

SumLevels::SumLevels(Index taps) : run(1) {
  if (taps > kDirectTaps) run = static_cast<Index>(std::sqrt(static_cast<double>(taps)));
  runs = taps / run;
  left = taps % run;
}

namespace {

double lrn_sum_depth(const LrnAttributes& a) {
  Index depth = SumLevels(a.across().taps()).depth();
  for (const LrnWindow& window : a.spatial()) depth += SumLevels(window.taps()).depth();
  return static_cast<double>(depth);
}

}  // namespace

// scale = k + share * sum: squares, their sum, the rounded share, the product and the sum with k.
// power = scale^-beta and 1 / scale within 5 roundings of their own (lrn_powers-inl.h); those of scale enter times
// beta, as they do in the mass of the formula. dst = src * power. diff_src = diff_dst * power - (2 beta share) * src *
// W, W the sum of diff_dst * power * src / scale.
double lrn_depth(const LrnAttributes& a, std::string_view slot) {
  const double scale = lrn_sum_depth(a) + 4, power = scale + 5;
  if (slot == "dst") return power + 1;
  const double term = (power + 1) + 1 + scale + 1;
  return term + lrn_sum_depth(a) + 1 + 2 + 1;
}

}  // namespace gradproof
