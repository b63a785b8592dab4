// The right reference, but for what a fault makes of it.
#pragma once

#include <string_view>

#include "reference/reference.h"

namespace gradproof {

// Fault::element<T>(right, case, inputs, argument) is the formula that goes wrong; `right` is the operation's own.
template <class Fault, class T>
Element<T> faulty_element(const Case& c, const Arrays<T>& inputs, std::string_view argument) {
  static const References right = register_references();
  return Fault::template element<T>(right.find(c.spec->name)->second, c, inputs, argument);
}

template <class Fault>
Reference faulty_reference() {
  return {{faulty_element<Fault, Real>, faulty_element<Fault, Precise>, faulty_element<Fault, Dual<Real>>,
           faulty_element<Fault, Mass<Real>>, faulty_element<Fault, Depends>, faulty_element<Fault, Margin<Real>>,
           faulty_element<Fault, float>}};
}

}  // namespace gradproof
