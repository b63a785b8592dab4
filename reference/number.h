// The vocabulary that every scalar of the reference speaks, spelled out for plain numbers.
//
// Formulas are templates over a scalar T. They may use
//   T(double)                           an exact constant
//   + - * /, unary -, += -= *= /=       arithmetic
//   sqrt(x), exp(x), log(x)
//   exceeds(a, b)                       a decision: whether a is chosen over b where the larger one is wanted
//   select(decision, a, b)              a if the decision holds, otherwise b
//   maximum(a, b)                       the larger; NaN wins, the first on ties
//   value_of(x), isnan(x)               for those who look at results, not for formulas
// and must not decide in any other way: scalars that follow dependences or distances to kinks see every decision here.
// Decisions that only regard positions (is this tap inside the input?) are ordinary `if`s.
#pragma once

#include <boost/multiprecision/number.hpp>
#include <cmath>
#include <concepts>

namespace gradproof {

// double, float, and the numbers of Boost.Multiprecision.
template <class T>
concept Number = std::floating_point<T> || boost::multiprecision::is_number<T>::value;

// Boost's functions are found by argument-dependent lookup; these make the built-in types equal citizens.
using std::exp;
using std::isnan;
using std::log;
using std::sqrt;

template <Number T>
const T& value_of(const T& x) {
  return x;
}

// a > b, or a is NaN while b is not. Hence a running maximum that starts at the first element and moves on where
// exceeds(next, best) ends at the first NaN, else at the first of the largest; -0 and +0 tie.
template <Number T>
bool exceeds(const T& a, const T& b) {
  return a > b || (isnan(a) && !isnan(b));
}

template <class T>
T select(bool decision, const T& a, const T& b) {
  return decision ? a : b;
}

template <class T>
T maximum(const T& a, const T& b) {
  return select(exceeds(b, a), b, a);
}

}  // namespace gradproof
