// The numbers that go into a check: seeded inputs, and their promotion to the scalars of the reference.
#pragma once

#include <cstdint>

#include "ops/core/case.h"
#include "ops/core/seeded.h"
#include "ops/core/tensor.h"

namespace gradproof {

// Whether the argument of a gradient is a saved tensor, or an output that is kept: an implementation gets it from its
// own forward pass, the reference never.
bool is_saved(const Spec& spec, std::string_view argument);

// Every tensor that the pass reads, saved ones excepted: the operation's inputs, and the cotangents of a VJP. All
// finite.
Arrays<float> seeded_inputs(const Case& c, const Pass& pass, std::uint64_t seed, Regime regime);

// One argument of the above.
Array<float> seeded_array(const Argument& argument, std::uint64_t seed, Regime regime);

// Views of the same numbers for any scalar. `inputs` must outlive the result.
template <class T>
Arrays<T> borrow(const Arrays<float>& inputs) {
  Arrays<T> result;
  for (const auto& [name, array] : inputs) result.emplace(name, Array<T>(array.shape, array.values.data()));
  return result;
}

// Owned copies in another scalar, to be changed.
template <class T>
Array<T> promote(const Array<float>& array) {
  Array<T> result(array.shape);
  for (Index i = 0; i < element_count(array.shape); ++i) result[i] = T(static_cast<double>(array[i]));
  return result;
}

// A stream name for random numbers that must be independent of the inputs' ("tangent", "sample").
inline std::uint64_t random_bits(std::uint64_t seed, std::string_view stream, Index number) {
  return seeded_bits(seed, stream, Position{number});
}

}  // namespace gradproof
