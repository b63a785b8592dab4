// One case on given numbers: the forward pass and the gradient with respect to every differentiable input.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/npy.h"
#include "ops/core/case.h"
#include "ops/core/implementation.h"
#include "reference/reference.h"

namespace gradproof {

// Arrays by argument name: "src", "diff_dst", "dst", ...
using NamedArrays = std::map<std::string, NpyArray, std::less<>>;

// The elements of an argument in a file.
NpyType npy_type(ElementType type);

// Throws UsageError unless the shape is the argument's, but for ones at its end.
void require_shape(const Argument& argument, const Shape& shape);

// What a user may give: the inputs of the case and diff_<output> for every output that takes a cotangent.
std::vector<Argument> free_arguments(const Case& c);

// Completes `given` with seeded near-normal numbers, or choices, the same that `check` uses for this seed.
// Throws UsageError for a name that is not a free argument and for a wrong shape or element type: that of the slot, and
// float64 for float32 where it is for the reference, for which everything is turned into float64.
NamedArrays complete_inputs(const Case& c, NamedArrays given, std::uint64_t seed, bool for_reference);

// The outputs and saved tensors of the forward pass and all gradients, from complete inputs. The implementation's are
// float32 (saved tensors: their own type); those of the reference are float64, rounded once from Real.
// Throws UsageError with the reason when the implementation does not support a pass.
NamedArrays evaluate_implementation(const Case& c, const Implementation& implementation, const NamedArrays& inputs,
                                    int threads);
NamedArrays evaluate_reference(const Case& c, const Reference& reference, const NamedArrays& inputs);

}  // namespace gradproof
