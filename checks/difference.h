// Difference gradients: J^T u by finite differences of the reference forward, column by column, without any derivative.
#pragma once

#include <string>
#include <vector>

#include "checks/coloring.h"
#include "checks/subject.h"
#include "ops/core/tensor.h"

namespace gradproof {

// What to differentiate, the same for every scalar.
struct DifferencePlan {
  Arrays<float> inputs;        // near-normal, with a random cotangent for each differentiable output
  std::vector<Index> columns;  // elements of the slot, ascending: all of them, or a sample that fits the budget
  Index column_count = 0;
  Index withdrawn = 0;  // outputs whose cotangent was set to 0 since a kink is too near to take differences across
  std::vector<std::vector<Index>> colors;  // the same columns in groups that share a difference
  Array<float> direction;                  // random, the shape of the slot
  // The differentiable outputs one after the other: rows of the Jacobian.
  std::vector<Argument> outputs;
  Columns rows_of;  // sparsity

  Index row_count() const;
};

// Values in T by the stencil that suits the slot's dependence:
//   affine   y(x + 1) - y(x): no truncation error at all;
//   smooth   4th order central, h = eps^(1/4): rounding eps / h and truncation (h / scale)^4 both leave 24 of 33
//   digits,
//            down to a scale of 3e-3, the standard deviation that an eps of 1e-5 adds to a variance;
//   kinked   the same with h = eps^(2/7), where Margin certifies that no decision changes: rounding leaves 23 of 33
//            digits, truncation more; larger steps would come near more kinks (docs/decisions/0019).
template <class T>
struct DifferenceGradient {
  std::vector<T> columns;  // (J^T u)_i for plan.columns
  T along{};               // <J direction, u>
  // What the roundings of the values may have made of each: the values' masses times depth times eps / h. Slopes far
  // below the values, as on the tails of a sigmoid, are not seen by any difference.
  std::vector<double> column_errors;
  double along_error = 0;
};

// Of the steps above, for an arithmetic of so many binary digits: h = 2^this.
int step_exponent(Dependence dependence, int digits);
inline bool has_kinks(Dependence dependence) {
  return dependence == Dependence::kKinked || dependence == Dependence::kFlat;
}
// How far from every decision is far enough for steps in Real: a decision may compare sums of perturbed values; 2^10
// steps are more than a direction of a few units can close.
double room_for_steps();

// Plans for pass vjp:<slot>. `budget` is the number of multiply-adds that the column differences may cost.
DifferencePlan plan_differences(const Subject& subject, double budget);

// The same plan with the columns that another budget takes.
DifferencePlan sampled(const Subject& subject, DifferencePlan plan, double budget);

template <class T>
DifferenceGradient<T> difference_gradient(const Subject& subject, const DifferencePlan& plan);

}  // namespace gradproof
