// Judgement: a tensor that anyone computed, held to the truth within the bounds that our own implementations are given.
#pragma once

#include <string>
#include <vector>

#include "checks/truth.h"
#include "checks/verdict.h"
#include "ops/core/registry.h"

namespace gradproof {

// What somebody says that a pass writes for an argument.
struct Claim {
  std::string argument;
  Array<double> values;
  Precision precision = Precision::kSingle;  // what they were computed in, as far as they are floats
  // By what each element may be off beyond its bound, where the formula that was used is known to lose more than the
  // reference's; empty: nothing.
  std::vector<double> slack{};
};

// The truth on given inputs, of whoever computes in one precision.
class Judge {
 public:
  // `inputs`: what arguments_of() says that the pass reads, saved tensors excepted. All must be finite, and what
  // Precision::kSingle is judged on float32 numbers. They are copied, at some 80 bytes an element.
  Judge(const Operation& operation, const Reference& reference, const Case& c, const Pass& pass, Precision precision,
        const Arrays<double>& inputs);

  // Compares every element of the claim, in an order that sees corners, borders of blocks and all regions early, until
  // `seconds` have passed; at least as many as the oracle `large` does. Then verdict.compared is less than there are.
  // Throws std::invalid_argument for a claim that the pass does not write, or in another precision.
  Verdict judge(const Claim& claim, double seconds) const;

  // Whether two computations of the same agree: they may be twice the bound apart, and their slacks.
  Verdict agree(const Claim& one, const Claim& other, double seconds) const;

  // Roundings of float32 that a result may take: those of the Spec, or of our deepest implementation.
  double depth_of(std::string_view argument) const;

 private:
  // What is expected at an element, what is got, and how far from each other they may be.
  struct Pair {
    Real expected, got;
    double bound = 0;
  };
  template <class Compare>
  Verdict tour(const Claim& claim, double seconds, Compare compare) const;

  const Operation& operation_;
  const Reference& reference_;
  Case case_;
  Pass pass_;
  Precision precision_;
  Arrays<Mass<Real>> inputs_;
};

}  // namespace gradproof
