// Samples: a few elements of what a pass writes, and the truth about them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checks/comparison.h"
#include "ops/core/implementation.h"
#include "reference/reference.h"

namespace gradproof {

struct SampleOptions {
  std::uint64_t seed = 1;
  int samples = 96;      // elements at most, of each argument
  double seconds = 0.3;  // no further element of the reference is begun after this; at least 8 elements are compared
};

// Sample number k of a tensor: its corners, borders of vectors and blocks, and random positions in turn. They may
// recur.
Position sample_position(const Shape& shape, std::uint64_t seed, std::string_view name, Index k);

struct Sample {
  size_t argument;  // its number in the pass
  Position position;
  Mass<Real> truth;
};

// Of everything that the pass writes, for computations of a depth. Which elements, and in which order, depends on the
// case and the seed alone; how many, on the time that one element takes. `values` are all that the pass reads, saved
// tensors excepted.
std::vector<Sample> sample_truth(const Reference& reference, const Case& c, const Pass& pass,
                                 const Arrays<float>& values, double depth, const SampleOptions& options);

// The depth that masses for an implementation are to have: the largest of what it writes, or that of the usual second
// order, which costs bounds nothing.
double depth_for_masses(const Case& c, const Pass& pass, const Implementation& implementation);

// Adds the samples and what the implementation made of them in `tensors`, the arguments of the pass.
void compare_samples(std::span<const Sample> samples, const Case& c, const Pass& pass,
                     const Implementation& implementation, std::span<const TensorRef> tensors, const std::string& data,
                     Comparison& comparison);

}  // namespace gradproof
