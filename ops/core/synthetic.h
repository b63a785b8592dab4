// For tests: an operation with every kind of slot, and a registry that holds it.
#pragma once

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

// "toy": inputs src, scale (differentiable), table (not), bias (absent with bias=0); outputs dst and count, which takes
// no cotangent; saved argmax of bytes.
inline Spec toy_spec() {
  const auto image = [](const Attributes& a) -> std::optional<Shape> { return spatial_shape(a, a.integer("mb"), 2); };
  const auto channels = [](const Attributes&) -> std::optional<Shape> { return Shape{2}; };
  const auto if_bias = [](const Attributes& a) -> std::optional<Shape> {
    if (!a.flag("bias")) return {};
    return Shape{2};
  };
  Spec spec;
  spec.name = "toy";
  spec.attributes = {integer_attribute("mb", "batch")};
  for (const AttributeSpec& size : input_size_attributes()) spec.attributes.push_back(size);
  spec.attributes.push_back(flag_attribute("bias", "add a bias", true));
  spec.slots.resize(7);
  spec.slots[0] = {.name = "src", .shape = image};
  spec.slots[1] = {.name = "scale", .shape = channels, .domain = Domain::kPositive};
  spec.slots[2] = {.name = "table", .shape = channels, .differentiable = false};
  spec.slots[3] = {.name = "bias", .shape = if_bias};
  spec.slots[4] = {.name = "dst", .role = Role::kOutput, .shape = image};
  spec.slots[5] = {.name = "count", .role = Role::kOutput, .shape = channels, .differentiable = false};
  spec.slots[6] = {.name = "argmax", .role = Role::kSaved, .shape = image, .type = [](const Attributes&) {
                     return ElementType::kUint8;
                   }};
  spec.depth = [](const Attributes&, const Pass&, std::string_view) { return 3.0; };
  return spec;
}

inline Registry toy_registry() {
  Registry registry;
  registry.add({toy_spec(), {}});
  return registry;
}

}  // namespace gradproof
