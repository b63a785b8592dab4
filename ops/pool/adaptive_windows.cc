#include "ops/pool/adaptive_windows.h"

#include <numeric>

#include "ops/core/window.h"

namespace gradproof {

// With in / out = q / p in lowest terms, windows start at every remainder r < p, and hold ceil((r + q) / p) inputs.
Index AdaptiveAxis::largest() const {
  const Index common = std::gcd(in, out), q = in / common, p = out / common;
  return (p - 1 + q + p - 1) / p;
}

// Neighbours share an input where they do not meet at a whole number.
Index AdaptiveAxis::total() const { return in + out - std::gcd(in, out); }

AdaptivePoolAttributes adaptive_pool_attributes(const Attributes& attributes) {
  AdaptivePoolAttributes a{attributes.integer("mb"), attributes.integer("c"), attributes.rank(), {}};
  for (size_t axis = 3 - static_cast<size_t>(a.rank); axis < 3; ++axis) {
    const std::string name = kAxisNames[axis];
    a.axes[axis] = {attributes.integer("i" + name), attributes.integer("o" + name)};
  }
  return a;
}

std::vector<AttributeSpec> adaptive_pool_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  for (auto& spec : output_size_attributes()) specs.push_back(spec);
  return specs;
}

std::optional<Shape> adaptive_pool_src_shape(const Attributes& attributes) {
  return spatial_shape(attributes, attributes.integer("mb"), attributes.integer("c"));
}

std::optional<Shape> adaptive_pool_dst_shape(const Attributes& attributes) {
  const AdaptivePoolAttributes a = adaptive_pool_attributes(attributes);
  Shape shape{a.mb, a.c};
  for (size_t axis = 3 - static_cast<size_t>(a.rank); axis < 3; ++axis) shape.push_back(a.axes[axis].out);
  return shape;
}

}  // namespace gradproof
