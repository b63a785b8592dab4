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

// What lies on the way from the inputs to a result and is the same wherever the input `moved` is, or everything there
// if that is empty: tensors by name. An evaluation that finds them among its inputs does not compute them again.
template <class T>
using FixedTensors = Arrays<T> (*)(const Case&, const Arrays<T>& inputs, std::string_view moved);

class Reference;

// By operation name; a value built in main() by register_references().
using References = std::map<std::string, Reference, std::less<>>;

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

  // `inputs`, and with them what is the same wherever the one called `moved` is; all there is, if none is.
  template <class T>
  Arrays<T> with_fixed(const Case& c, Arrays<T> inputs, std::string_view moved) const {
    if (const auto fixed_of = std::get<FixedTensors<T>>(fixed)) inputs.merge(fixed_of(c, inputs, moved));
    return inputs;
  }

  FactoriesOf<ElementFactory> factories;  // one for each scalar in reference/scalars.h
  FactoriesOf<FixedTensors> fixed{};      // null where an operation is a single formula
  // Of a network: those of the operations that it is made of. Null where an operation is made of no others.
  const References* layers = nullptr;
};

References register_references();

}  // namespace gradproof
