#include "ops/core/shape.h"

#include <fmt/ranges.h>

namespace gradproof {

double unchecked_count(const Shape& shape) {
  double count = 1;
  for (Index size : shape) count *= static_cast<double>(size);
  return count;
}

Strides dense_strides(const Shape& shape) {
  Strides strides = Strides::filled(shape.rank(), 1);
  for (int axis = shape.rank() - 2; axis >= 0; --axis) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

Position position_of(Index linear, const Shape& shape) {
  Position position = Position::filled(shape.rank(), 0);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    position[axis] = linear % shape[axis];
    linear /= shape[axis];
  }
  return position;
}

Index linear_of(const Position& position, const Shape& shape) {
  Index linear = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) linear = linear * shape[axis] + position[axis];
  return linear;
}

std::string shape_text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, "x")); }

std::string position_text(const Position& position) { return fmt::format("[{}]", fmt::join(position, ",")); }

}  // namespace gradproof
