// Margin: a value and how far every decision on the way to it was from turning out the other way. A difference step
// that moves no compared pair by that much crosses no kink.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "reference/number.h"

namespace gradproof {

// margin: the least |a - b| over all decisions exceeds(a, b) that had a part in the value, and the least distance to a
// border of all its cells, in the unit of what was compared; infinity if there was none, 0 if a distance was NaN
// (nothing is certain then).
template <class S>
struct Margin {
  struct Decision {
    bool holds = false;
    double margin = std::numeric_limits<double>::infinity();
  };

  S value{};
  double margin = std::numeric_limits<double>::infinity();

  Margin() = default;
  explicit Margin(double constant) : value(constant) {}
  explicit Margin(S v, double m = std::numeric_limits<double>::infinity()) : value(std::move(v)), margin(m) {}

  friend Margin operator-(const Margin& a) { return Margin(-a.value, a.margin); }
  friend Margin operator+(const Margin& a, const Margin& b) { return Margin(a.value + b.value, least(a, b)); }
  friend Margin operator-(const Margin& a, const Margin& b) { return Margin(a.value - b.value, least(a, b)); }
  friend Margin operator*(const Margin& a, const Margin& b) { return Margin(a.value * b.value, least(a, b)); }
  friend Margin operator/(const Margin& a, const Margin& b) { return Margin(a.value / b.value, least(a, b)); }
  Margin& operator+=(const Margin& b) { return *this = *this + b; }
  Margin& operator-=(const Margin& b) { return *this = *this - b; }
  Margin& operator*=(const Margin& b) { return *this = *this * b; }
  Margin& operator/=(const Margin& b) { return *this = *this / b; }

  friend Margin sqrt(const Margin& x) { return Margin(S(sqrt(x.value)), x.margin); }
  friend Margin exp(const Margin& x) { return Margin(S(exp(x.value)), x.margin); }
  friend Margin log(const Margin& x) { return Margin(S(log(x.value)), x.margin); }
  friend Margin expm1(const Margin& x) { return Margin(S(expm1(x.value)), x.margin); }
  friend Margin log1p(const Margin& x) { return Margin(S(log1p(x.value)), x.margin); }
  friend Margin tanh(const Margin& x) { return Margin(S(tanh(x.value)), x.margin); }
  friend Margin normal_cdf(const Margin& x) { return Margin(S(normal_cdf(x.value)), x.margin); }
  friend Margin normal_density(const Margin& x) { return Margin(S(normal_density(x.value)), x.margin); }
  friend Margin sigmoid(const Margin& x) { return Margin(S(sigmoid(x.value)), x.margin); }

  friend Decision exceeds(const Margin& a, const Margin& b) {
    const double apart = std::abs(static_cast<double>(S(a.value - b.value)));
    return {exceeds(a.value, b.value), std::min(least(a, b), apart >= 0 ? apart : 0.0)};
  }
  friend Margin select(const Decision& decision, const Margin& a, const Margin& b) {
    const Margin& chosen = decision.holds ? a : b;
    return Margin(chosen.value, std::min(decision.margin, chosen.margin));
  }
  friend Margin floor_within(const Margin& x, Index first, Index last) {
    const S border = floor_within(S(x.value + S(0.5)), first + 1, last);  // the nearest
    const double apart = std::abs(static_cast<double>(S(x.value - border)));
    return Margin(floor_within(x.value, first, last), std::min(x.margin, apart >= 0 ? apart : 0.0));
  }
  friend Margin given(const Margin& cell, const Margin& x) { return Margin(x.value, least(cell, x)); }
  friend const S& value_of(const Margin& x) { return x.value; }
  friend bool isnan(const Margin& x) { return isnan(x.value); }

 private:
  static double least(const Margin& a, const Margin& b) { return std::min(a.margin, b.margin); }
};

}  // namespace gradproof
