// The vocabulary that every scalar of the reference speaks, spelled out for plain numbers.
//
// Formulas are templates over a scalar T. They may use
//   T(double)                           an exact constant
//   + - * /, unary -, += -= *= /=       arithmetic
//   sqrt(x), exp(x), log(x), expm1(x), log1p(x), tanh(x)
//   square(x)                           x * x, which is not negative however x was rounded
//   sigmoid(x)                          1 / (1 + exp(-x))
//   normal_density(x), normal_cdf(x)    of the standard normal distribution
//   difference(a, b)                    a - b, of inputs, before they enter anything else
//   exceeds(a, b)                       a decision: whether a is chosen over b where the larger one is wanted
//   select(decision, a, b)              a if the decision holds, otherwise b
//   maximum(a, b)                       the larger; NaN wins, the first on ties
//   floor_within(x, first, last)        a decision: floor(x), but first where that is less and last where it is more
//   given(cell, x)                      x, in the knowledge that its formula was chosen by cell, a floor_within
//   whole(cell)                         the Index that a floor_within is, for reading tensors there
//   value_of(x), isnan(x)               for those who look at results, not for formulas
// and must not decide in any other way: scalars that follow dependences or distances to kinks see every decision here.
// Decisions that only regard positions (is this tap inside the input?) are ordinary `if`s.
#pragma once

#include <boost/multiprecision/number.hpp>
#include <cmath>
#include <concepts>

#include "ops/core/shape.h"
#include "reference/real.h"

namespace gradproof {

// double, float, and the numbers of Boost.Multiprecision.
template <class T>
concept Number = std::floating_point<T> || boost::multiprecision::is_number<T>::value;

template <class T>
concept LongNumber = boost::multiprecision::is_number<T>::value;

// Boost's functions are found by argument-dependent lookup; these make the built-in types equal citizens.
using std::exp;
using std::expm1;
using std::floor;
using std::isnan;
using std::log;
using std::log1p;
using std::sqrt;
using std::tanh;

template <class T>
T square(const T& x) {
  return x * x;
}

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

// Of exp(-|x|), which does not overflow.
template <Number T>
T sigmoid(const T& x) {
  const T power = exp(x > 0 ? T(-x) : x);
  return (x > 0 ? T(1) : power) / (T(1) + power);
}

// Goldberg 1991 (ACM Computing Surveys 23), theorem 4: what 1 + x is wrong by is undone by dividing by it again.
template <LongNumber T>
T log1p(const T& x) {
  const T sum = T(1) + x;
  if (sum == T(1)) return x;
  return isinf(sum) ? sum : T(log(sum) * (x / (sum - T(1))));
}

// The same for exp (Higham 2002, section 1.14.1).
template <LongNumber T>
T expm1(const T& x) {
  const T power = exp(x);
  if (power == T(1)) return x;
  return x > T(-1) && x < T(1) ? T((power - T(1)) * (x / log(power))) : T(power - T(1));
}

template <LongNumber T>
T normal_density(const T& x) {
  static const T root = sqrt(T(2) * acos(T(-1)));
  return exp(T(-x * x / T(2))) / root;
}

// Up to |x| = 4 by the series x + x^3/3 + x^5/(3 5) + ... (Marsaglia 2004, Journal of Statistical Software 11), which
// costs the left tail 5 digits; beyond by the continued fraction 1/(x + 1/(x + 2/(x + ...))) (Abramowitz and Stegun
// 1964, 26.2.14), which has 50 digits after 200 fractions.
template <LongNumber T>
T normal_cdf(const T& x) {
  if (isnan(x)) return x;
  const T distance = x < T(0) ? T(-x) : x;
  if (distance > T(4)) {
    T fraction = distance;
    for (int k = 200; k > 0; --k) fraction = distance + T(k) / fraction;
    const T tail = normal_density(distance) / fraction;
    return x < T(0) ? tail : T(T(1) - tail);
  }
  T term = x, sum = x;
  for (int k = 3; sum + term != sum; k += 2) sum += term *= x * x / T(k);
  return T(0.5) + normal_density(x) * sum;
}

// In double: there are no such functions of float.
template <std::floating_point T>
T normal_density(const T& x) {
  const auto wide = static_cast<double>(x);
  return static_cast<T>(std::exp(-wide * wide / 2) * 0.3989422804014327);
}
template <std::floating_point T>
T normal_cdf(const T& x) {
  return static_cast<T>(std::erfc(-static_cast<double>(x) * 0.7071067811865476) / 2);
}

template <class T>
T difference(const T& a, const T& b) {
  return a - b;
}

// NaN of NaN. The limits keep whole() within an Index, and decisions to the borders first + 1, ..., last that matter.
template <Number T>
T floor_within(const T& x, Index first, Index last) {
  if (x < T(first)) return T(first);
  if (x >= T(last)) return T(last);
  return floor(x);
}

template <Number T>
const T& given(const T&, const T& x) {
  return x;
}

// 0 of NaN, which lies nowhere: ask isnan(cell) first.
template <class T>
Index whole(const T& cell) {
  return isnan(cell) ? 0 : static_cast<Index>(value_of(cell));
}

}  // namespace gradproof
