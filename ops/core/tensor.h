// Tensors: a non-owning strided view for kernels, and an owning dense array of any scalar for the reference.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ops/core/error.h"
#include "ops/core/shape.h"

namespace gradproof {

enum class ElementType : std::uint8_t { kFloat32, kUint8, kInt32 };

constexpr Index element_size(ElementType type) { return type == ElementType::kUint8 ? 1 : 4; }

// A view of memory that somebody else owns. Strides are layout strides in elements.
struct TensorRef {
  void* data = nullptr;
  ElementType type = ElementType::kFloat32;
  Shape shape;
  Strides strides;

  float* floats() const { return static_cast<float*>(data); }
  std::uint8_t* bytes() const { return static_cast<std::uint8_t*>(data); }
  std::int32_t* ints() const { return static_cast<std::int32_t*>(data); }
  bool is_dense() const { return strides == dense_strides(shape); }

  // The element at `position`, converted; exact for every element type.
  double value_at(const Position& position) const {
    Index offset = 0;
    for (int axis = 0; axis < shape.rank(); ++axis) offset += position[axis] * strides[axis];
    switch (type) {
      case ElementType::kUint8:
        return bytes()[offset];
      case ElementType::kInt32:
        return ints()[offset];
      case ElementType::kFloat32:
        break;
    }
    return static_cast<double>(floats()[offset]);
  }
};

// A dense row-major array of scalars T: the tensors of the reference. It owns its values, or borrows float32 numbers
// that are promoted (exactly) as they are read, by T's constructor or by `promote`: a large tensor is then not copied
// into a scalar many times its size.
template <class T>
struct Array {
  Shape shape;
  std::vector<T> values;            // empty when borrowed
  const float* borrowed = nullptr;  // must outlive the array
  std::function<T(double)> promote{};

  Array() = default;
  explicit Array(const Shape& s) : shape(s), values(static_cast<size_t>(element_count(s))) {}
  Array(const Shape& s, const float* numbers, std::function<T(double)> promotion = {})
      : shape(s), borrowed(numbers), promote(std::move(promotion)) {}

  T operator[](Index linear) const {
    if (borrowed == nullptr) return values[static_cast<size_t>(linear)];
    const auto number = static_cast<double>(borrowed[linear]);
    return promote ? promote(number) : T(number);
  }
  T& operator[](Index linear) { return values[static_cast<size_t>(linear)]; }
  T at(const Position& position) const { return (*this)[linear_of(position, shape)]; }
  T& at(const Position& position) { return (*this)[linear_of(position, shape)]; }
};

// The tensors of one evaluation, by slot name ("src", "weights", "diff_dst", ...).
template <class T>
using Arrays = std::map<std::string, Array<T>, std::less<>>;

}  // namespace gradproof
