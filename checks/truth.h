// Truth: what the outputs of a pass should be, and how exactly they can be known.
#pragma once

#include <cstdint>
#include <string>

#include "checks/comparison.h"
#include "checks/subject.h"
#include "ops/core/seeded.h"
#include "ops/core/tensor.h"

namespace gradproof {

// Inputs of a check, under a name that tells them from the other inputs of the same case and pass.
struct Data {
  std::string name;
  Arrays<float> inputs;
};

// seeded_inputs of the subject, named after the regime.
Data seeded_data(const Subject& subject, Regime regime);

// What a computation rounds to.
enum class Precision : std::uint8_t { kSingle, kDouble };

// How many roundings of float32, which Mass counts in, one rounding of this precision is worth. For float64 that is the
// ratio of the units roundoff, 2^-53 / 2^-24: gamma(depth) of float64 then is rounding_gamma(depth * it). The proof in
// reference/mass.h holds for any u with K in proportion: whatever float32 represents, float64 does as well, and it
// underflows later (in bounds of float64 2^-149 stays what is allowed for it: results below 1e-29 are held less tightly
// than they could be). Only masses are themselves computed in double, whose roundings do not drown in u any more:
// 2^-20 more makes up for 2^32 of them.
constexpr double rounding_of(Precision precision) {
  return precision == Precision::kSingle ? 1 : 0x1p-29 * (1 + 0x1p-20);
}

// Roundings up to a value that a cell is taken of, in a computation of `depth`: the Spec's, if it says less.
double decision_depth(const Case& c, double depth);

// Inputs for masses that hold for computations of the subject's depth: that of the Spec, or the implementation's where
// it promises less than the Spec.
Arrays<Mass<Real>> mass_inputs(const Subject& subject, const Arrays<float>& inputs);

// What a float32 result of this depth may be off by: gamma(depth) * mass and the underflow that Mass proves for the
// reference's formula, and for equal formulas in another order (x * scale + shift for (x - mean) * scale) half a unit
// of 2^-149 on either side for each rounding on the path. 0 for what is selected, that is of depth 0; infinity where
// the truth is undecided, or no bound is known.
double tolerance(const Mass<Real>& truth, double depth);

// Whether the formula's terms may be beyond float32. Bounds hold barring overflow (Higham 2002, section 2.2): of terms
// of 4e42 a kernel may make infinity, or infinity - infinity.
bool may_overflow(const Mass<Real>& truth);

// Compares a result in float32 with `expected`, of which `truth` tells the mass. Where terms may overflow the result is
// open, but no number where it is beyond float32 itself by more than its bound.
void add_single(const Mass<Real>& truth, const Real& expected, double got, double bound, const Position& position,
                Comparison& comparison);

// The value and mass of every element that the pass writes, by argument. Remembered by the subject's memo under the
// pass and the name of the data.
const Arrays<Mass<Real>>& truth(const Subject& subject, const Data& data);

}  // namespace gradproof
