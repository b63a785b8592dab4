// JVP: J v, the change of an output per unit of change of the inputs along a direction, from the same formulas.
#pragma once

#include "reference/reference.h"

namespace gradproof {

// The derivative of the output `argument` along `tangents`: tensors of the shapes of their inputs, by the names of
// these; inputs without a tangent are held fixed. Of any argument, so also of a gradient: the derivative of diff_src
// along src is a Hessian-vector product.
inline Array<Real> jvp(const Reference& reference, const Case& c, const Arrays<Real>& inputs,
                       const Arrays<Real>& tangents, std::string_view argument, const Shape& shape) {
  Arrays<Dual<Real>> duals;
  for (const auto& [name, values] : inputs) {
    const auto tangent = tangents.find(name);
    Array<Dual<Real>>& dual = duals.emplace(name, Array<Dual<Real>>(values.shape)).first->second;
    for (Index i = 0; i < element_count(values.shape); ++i)
      dual[i] = {values[i], tangent == tangents.end() ? Real(0) : tangent->second[i]};
  }
  const Array<Dual<Real>> output = reference.evaluate<Dual<Real>>(c, duals, argument, shape);
  Array<Real> result(shape);
  for (Index i = 0; i < element_count(shape); ++i) result[i] = output[i].tangent;
  return result;
}

}  // namespace gradproof
