// One-sided: what the reference forward does on either side of inputs that lie exactly on kinks, by differences alone.
#pragma once

#include <vector>

#include "checks/subject.h"
#include "checks/truth.h"

namespace gradproof {

// Inputs of pass vjp:<slot> whose kinked slots lie on kinks: all elements few whole numbers (ties, zeros, borders of
// cells), all of them zeros of either sign, and, for slots that name kinks, half of them there. All else is
// near-normal, cotangents too.
std::vector<Data> kinked_data(const Subject& subject);

// Derivatives of the rows of `rows.h` along elements of the slot, to the right and to the left, each to second order.
struct OneSided {
  // Where (J^T u)_i lies if each J_ri lies between the two derivatives of row r: between the sums of the least and of
  // the largest u_r J_ri.
  struct Hull {
    Index column = 0;
    Real low = 0, high = 0;
    double mass = 0;  // sum of |u_r| mass(r), in proportion to which low and high may be off
  };
  std::vector<Hull> hulls;  // of all columns, or of a sample that fits the budget
  Index two_sided = 0;      // of these: with different derivatives of some row

  Index rows = 0, at_kinks = 0;  // outputs, and how many of them have a decision of Margin 0
  bool decides = false;          // whether some output takes a decision that depends on values

  // The direction (1, ..., 1) moves what is tied together, so that most rows have one derivative along it. The inputs
  // with cotangents 0 for the others, and what <J^T u, (1, ..., 1)> then is.
  Data together;
  Real along = 0;
  double along_mass = 0;
};

// Remembered by the subject's memo.
const OneSided& one_sided(const Subject& subject, const Data& data);

// What the differences are good for, relative to a mass: `fd` grants them the same.
inline constexpr double kOneSidedError = 1e-18;

}  // namespace gradproof
