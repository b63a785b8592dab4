// What local response normalization computes, and over which elements: nothing here depends on the instruction set.
#pragma once

#include <array>
#include <string_view>

#include "ops/core/spec.h"

namespace gradproof {

// The window of element p reaches from p - before to p + behind.
struct LrnWindow {
  Index before = 0, behind = 0;
  Index taps() const { return before + behind + 1; }
  // The elements whose windows p lies in.
  LrnWindow reverse() const { return {behind, before}; }
};

struct LrnAttributes {
  Index mb, c;
  std::array<Index, 3> in;  // d, h, w; axes that are not there have size 1
  int rank;
  Index size;
  bool within;
  double alpha, beta, k;

  Index space() const { return in[0] * in[1] * in[2]; }
  // alpha divided by the elements of a window, of which some may lie outside.
  double share() const;
  // The window on an axis of `extent` elements, without what lies outside for all of them: size / 2 elements before,
  // (size - 1) / 2 behind.
  LrnWindow window(Index extent) const;
  // The windows on the channels and on d, h, w.
  LrnWindow across() const { return within ? LrnWindow{} : window(c); }
  std::array<LrnWindow, 3> spatial() const;
};
LrnAttributes lrn_attributes(const Attributes& attributes);

// Sums of up to so many terms are taken one after the other; longer ones in two levels.
inline constexpr Index kDirectTaps = 16;

// A sum of `taps` neighbours as sums of `run` neighbours each, and what is left over.
struct SumLevels {
  explicit SumLevels(Index taps);
  Index run, runs, left;
  // Additions on the longest path.
  Index depth() const { return (run - 1) + (runs + left - 1); }
};

// Roundings of the kernels on the longest path to an element of `slot`.
double lrn_depth(const LrnAttributes& a, std::string_view slot);

}  // namespace gradproof
