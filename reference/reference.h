// Reference: the truth about an operation, a textbook template evaluated element by element with any scalar.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <tuple>
#include <vector>

#include "ops/core/case.h"
#include "ops/core/tensor.h"
#include "reference/scalars.h"

namespace gradproof {

// The value of one output element as a formula of the inputs.
template <class T>
using Element = std::function<T(const Position&)>;

// Binds the formula for the output argument `argument` ("dst", "argmax", "diff_src", ...) to a case and its inputs: the
// input slots and, for gradients, diff_<output>. Saved tensors are never inputs: the reference derives everything from
// the definition. `inputs` must outlive the result.
template <class T>
using ElementFactory = Element<T> (*)(const Case&, const Arrays<T>& inputs, std::string_view argument);

class Reference {
 public:
  template <class T>
  Element<T> element(const Case& c, const Arrays<T>& inputs, std::string_view argument) const {
    return std::get<ElementFactory<T>>(factories)(c, inputs, argument);
  }

  // Every element of `argument`.
  template <class T>
  Array<T> evaluate(const Case& c, const Arrays<T>& inputs, std::string_view argument, const Shape& shape) const {
    const Element<T> element_at = element<T>(c, inputs, argument);
    Array<T> result(shape);
    Position position = Position::filled(shape.rank(), 0);
    for (T& value : result.values) {
      value = element_at(position);
      advance(position, shape);
    }
    return result;
  }

  FactoriesOf<ElementFactory> factories;  // one for each scalar in reference/scalars.h
};

// By operation name; a value built in main() by register_references().
using References = std::map<std::string, Reference, std::less<>>;

References register_references();

}  // namespace gradproof
