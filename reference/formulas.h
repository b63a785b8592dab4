// From a struct of formulas to a Reference.
//
// Formulas<T> states an operation once for every scalar:
//
//   template <class T>
//   struct ReluFormulas {
//     ReluFormulas(const Case& c, const Arrays<T>& inputs);         // finds attributes and tensors, once
//     T dst(const Point& p) const;                                  // one element; p = (n, c, d, h, w)
//     T diff_src(const Point& p) const;                             // or (const Position& p): the indices as they are
//     static FormulaTable<ReluFormulas, T> table() { return {{"dst", &ReluFormulas::dst}, ...}; }
//   };
//
//   Reference relu_reference() { return make_reference<ReluFormulas>(); }
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "reference/grid.h"
#include "reference/reference.h"

namespace gradproof {

// A member function that gives one element: by the five indices of a Point, or by the Position where the tensor's
// indices are others.
template <class Formulas, class T>
class Formula {
 public:
  Formula(T (Formulas::*f)(const Point&) const)  // NOLINT(google-explicit-constructor): tables name functions
      : call_([f](const Formulas& formulas, const Position& p) { return (formulas.*f)(point_of(p)); }) {}
  Formula(T (Formulas::*f)(const Position&) const)  // NOLINT(google-explicit-constructor)
      : call_([f](const Formulas& formulas, const Position& p) { return (formulas.*f)(p); }) {}

  T operator()(const Formulas& formulas, const Position& p) const { return call_(formulas, p); }

 private:
  std::function<T(const Formulas&, const Position&)> call_;
};

// By argument name: the member function that is its formula.
template <class Formulas, class T>
using FormulaTable = std::vector<std::pair<std::string_view, Formula<Formulas, T>>>;

// Throws UsageError unless the case has the output argument `argument` and `shape_of` (null: no such tensor) gives
// every tensor that its formula may read the shape that the case asks for.
void require_arguments(const Case& c, std::string_view argument,
                       const std::function<const Shape*(std::string_view)>& shape_of);

// The formula called `argument`, bound to a case and its inputs. Shares nothing with other elements that are made, but
// copies of one element share what it remembers (statistics): use them on one thread.
template <template <class> class Formulas, class T>
Element<T> make_element(const Case& c, const Arrays<T>& inputs, std::string_view argument) {
  require_arguments(c, argument, [&](std::string_view name) -> const Shape* {
    const auto found = inputs.find(name);
    return found == inputs.end() ? nullptr : &found->second.shape;
  });
  for (const auto& [name, formula] : Formulas<T>::table()) {
    if (name != argument) continue;
    return [bound = std::make_shared<const Formulas<T>>(c, inputs), formula = formula](const Position& position) {
      return formula(*bound, position);
    };
  }
  refuse("{}: the reference has no formula for '{}'", c.spec->name, argument);
}

template <template <class> class Formulas>
Reference make_reference() {
  return {{make_element<Formulas, Real>, make_element<Formulas, Precise>, make_element<Formulas, Dual<Real>>,
           make_element<Formulas, Mass<Real>>, make_element<Formulas, Depends>, make_element<Formulas, Margin<Real>>,
           make_element<Formulas, double>, make_element<Formulas, float>}};
}

}  // namespace gradproof
