// Numbered: a tensor by the number of an element in row-major order, for formulas about shapes.
#pragma once

#include <optional>
#include <string_view>

#include "ops/core/case.h"
#include "ops/core/tensor.h"

namespace gradproof {

inline Shape shape_of_slot(const Case& c, std::string_view slot) {
  return *c.spec->find_slot(slot)->shape(c.attributes);
}

// A tensor of an evaluation, which must outlive it. One that the case does not have must not be read.
template <class T>
class Numbered {
 public:
  Numbered(const Arrays<T>& arrays, std::string_view name) {
    const auto found = arrays.find(name);
    if (found != arrays.end()) array_ = &found->second;
  }

  bool exists() const { return array_ != nullptr; }
  T operator[](Index number) const { return (*array_)[number]; }

 private:
  const Array<T>* array_ = nullptr;
};

}  // namespace gradproof
