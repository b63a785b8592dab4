// Arrays for tests, written down.
#pragma once

#include <cstring>
#include <vector>

#include "cli/npy.h"

namespace gradproof {

template <class T>
NpyArray array_of(NpyType type, const Shape& shape, const std::vector<T>& values) {
  NpyArray array{type, shape, std::string(values.size() * sizeof(T), '\0')};
  if (!values.empty()) std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}

inline NpyArray floats(const Shape& shape, const std::vector<float>& values) {
  return array_of(NpyType::kFloat32, shape, values);
}

inline NpyArray doubles(const Shape& shape, const std::vector<double>& values) {
  return array_of(NpyType::kFloat64, shape, values);
}

}  // namespace gradproof
