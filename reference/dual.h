// Dual: a value and its tangent, so that a formula also yields its directional derivative, exactly (forward mode;
// Griewank and Walther 2008, chapter 3).
#pragma once

#include "reference/number.h"

namespace gradproof {

// value + tangent * eps with eps^2 = 0. Constants have tangent 0. At a kink the derivative is that of the branch that
// is taken.
template <class S>
struct Dual {
  S value{};
  S tangent{};

  Dual() = default;
  explicit Dual(double constant) : value(constant) {}
  Dual(S v, S t) : value(std::move(v)), tangent(std::move(t)) {}

  friend Dual operator-(const Dual& a) { return {-a.value, -a.tangent}; }
  friend Dual operator+(const Dual& a, const Dual& b) { return {a.value + b.value, a.tangent + b.tangent}; }
  friend Dual operator-(const Dual& a, const Dual& b) { return {a.value - b.value, a.tangent - b.tangent}; }
  friend Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const S quotient = a.value / b.value;
    return {quotient, (a.tangent - quotient * b.tangent) / b.value};
  }
  Dual& operator+=(const Dual& b) { return *this = *this + b; }
  Dual& operator-=(const Dual& b) { return *this = *this - b; }
  Dual& operator*=(const Dual& b) { return *this = *this * b; }
  Dual& operator/=(const Dual& b) { return *this = *this / b; }

  friend Dual sqrt(const Dual& x) {
    const S root = sqrt(x.value);
    return {root, x.tangent / (root + root)};
  }
  friend Dual exp(const Dual& x) {
    const S power = exp(x.value);
    return {power, x.tangent * power};
  }
  friend Dual log(const Dual& x) { return {log(x.value), x.tangent / x.value}; }
  friend Dual expm1(const Dual& x) { return {expm1(x.value), x.tangent * exp(x.value)}; }
  friend Dual log1p(const Dual& x) { return {log1p(x.value), x.tangent / (S(1) + x.value)}; }
  friend Dual tanh(const Dual& x) {
    const S twice = x.value + x.value;
    return {tanh(x.value), x.tangent * S(4) * sigmoid(twice) * sigmoid(S(-twice))};
  }
  friend Dual normal_cdf(const Dual& x) { return {normal_cdf(x.value), x.tangent * normal_density(x.value)}; }
  friend Dual normal_density(const Dual& x) {
    const S density = normal_density(x.value);
    return {density, -x.tangent * x.value * density};
  }

  friend Dual sigmoid(const Dual& x) {
    const S rising = sigmoid(x.value);
    return {rising, x.tangent * rising * sigmoid(S(-x.value))};
  }

  friend bool exceeds(const Dual& a, const Dual& b) { return exceeds(a.value, b.value); }
  friend Dual floor_within(const Dual& x, Index first, Index last) { return {floor_within(x.value, first, last), S{}}; }
  friend const Dual& given(const Dual&, const Dual& x) { return x; }
  friend const S& value_of(const Dual& x) { return x.value; }
  friend bool isnan(const Dual& x) { return isnan(x.value); }
};

}  // namespace gradproof
