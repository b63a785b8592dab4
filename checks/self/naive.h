// Naive kernels: plain loops over dense float tensors, called by slot name.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

// One run of a naive kernel.
struct NaiveCall {
  const Attributes& attributes;
  const Pass& pass;
  int threads;
  const std::vector<Argument>& arguments;
  std::span<const TensorRef> tensors;

  // Null where the case has no such argument.
  float* floats(std::string_view name) const;
  const TensorRef* tensor(std::string_view name) const;
  Index count(std::string_view name) const;  // elements
  void zero_outputs() const;
};

// An implementation of every pass by one function.
Implementation naive_implementation(std::string name, std::function<void(const NaiveCall&)> run);

// A function of one number, in double, and its derivative.
using Curve = double (*)(double x, const Attributes& a);
struct NaiveFunction {
  Curve value, slope;
};

// dst = value(src), NaN of NaN; diff_src = slope(src) diff_dst, and 0 where the slope is, whatever diff_dst is.
Implementation naive_function(const std::string& name, const NaiveFunction& f);

// An attribute as kernels hold it.
double held(const Attributes& a, std::string_view key);

// Writes an argmax of either element type.
void store_index(const TensorRef& tensor, Index element, Index value);

}  // namespace gradproof
