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
  Formula(T (Formulas::*f)(const Point&) const) : of_point_(f) {}  // NOLINT(google-explicit-constructor): tables
  Formula(T (Formulas::*f)(const Position&) const)
      : of_position_(f) {}  // NOLINT(google-explicit-constructor): name them

  T operator()(const Formulas& formulas, const Position& p) const {
    return of_point_ != nullptr ? (formulas.*of_point_)(point_of(p)) : (formulas.*of_position_)(p);
  }

 private:
  T (Formulas::*of_point_)(const Point&) const = nullptr;
  T (Formulas::*of_position_)(const Position&) const = nullptr;
};

// By argument name: the member function that is its formula.
template <class Formulas, class T>
using FormulaTable = std::vector<std::pair<std::string_view, Formula<Formulas, T>>>;

// The shape of the tensor of that name among what an element is made from; null: no such tensor.
using ShapeOf = std::function<const Shape*(std::string_view)>;

// Throws UsageError unless the case has the output argument `argument` and every tensor that its formula may read has
// the shape that the case asks for.
void require_arguments(const Case& c, std::string_view argument, const ShapeOf& shape_of);

template <class T>
ShapeOf shapes_of(const Arrays<T>& inputs) {
  return [&inputs](std::string_view name) -> const Shape* {
    const auto found = inputs.find(name);
    return found == inputs.end() ? nullptr : &found->second.shape;
  };
}

// Throws UsageError: the table of the formulas does not name `argument`.
[[noreturn]] void refuse_formula(const Case& c, std::string_view argument);

template <class Formulas, class T>
const Formula<Formulas, T>& formula_of(const FormulaTable<Formulas, T>& table, const Case& c,
                                       std::string_view argument) {
  for (const auto& [name, formula] : table)
    if (name == argument) return formula;
  refuse_formula(c, argument);
}

// The formula called `argument`, bound to a case and its inputs. Shares nothing with other elements that are made, but
// copies of one element share what it remembers (statistics): use them on one thread.
template <template <class> class Formulas, class T>
Element<T> make_element(const Case& c, const Arrays<T>& inputs, std::string_view argument) {
  require_arguments(c, argument, shapes_of(inputs));
  return [formula = formula_of(Formulas<T>::table(), c, argument),
          bound = std::make_shared<const Formulas<T>>(c, inputs)](const Position& position) {
    return formula(*bound, position);
  };
}

template <template <class> class Formulas>
Reference make_reference() {
  return {{make_element<Formulas, Real>, make_element<Formulas, Precise>, make_element<Formulas, Dual<Real>>,
           make_element<Formulas, Mass<Real>>, make_element<Formulas, Depends>, make_element<Formulas, Margin<Real>>,
           make_element<Formulas, float>}};
}

}  // namespace gradproof
