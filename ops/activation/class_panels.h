// How rows along an axis are summed, whatever the instruction set.
#pragma once

#include <algorithm>

#include "ops/core/shape.h"

namespace gradproof {

// A tensor seen as rows along an axis: outer x classes x inner elements, the rows along the middle one.
struct ClassRows {
  Index outer = 1, classes = 1, inner = 1;

  Index rows() const { return outer * inner; }
  Index count() const { return rows() * classes; }
};

ClassRows rows_along(const Shape& shape, int axis);

inline constexpr Index kRowParts = 32;  // sums of a row whose elements are neighbours
inline constexpr Index kSumSteps = 32;  // additions of a block

// Rows of fewer neighbours than this are transposed, so that each lane has one.
inline constexpr Index kFewClasses = 64;

// Additions on the longest path of a row's sum.
inline double class_sum_depth(const ClassRows& rows) {
  const bool parts = rows.inner == 1 && rows.classes >= kFewClasses;
  const Index steps = parts ? (rows.classes + kRowParts - 1) / kRowParts : rows.classes;
  const Index blocks = (steps + kSumSteps - 1) / kSumSteps;
  return static_cast<double>(std::min(steps, kSumSteps + 1) - 1 + blocks - 1 + (parts ? 5 : 0));
}

}  // namespace gradproof
