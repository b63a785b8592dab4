// Known: a number that kernels computed, and how far from the exact one it may be.
#pragma once

#include <cmath>

#include "reference/real.h"

namespace gradproof {

// What is computed from known numbers is known as well. The rounding of Real, 2^-112 of a value, is no part of the
// bound: sums of products of float32 numbers of like magnitude have none, and 2^-24 is what bounds are made of.
struct Known {
  Real value{0};
  double bound = 0;

  Known() = default;
  explicit Known(double exact) : value(exact) {}
  Known(Real v, double b) : value(std::move(v)), bound(b) {}

  friend Known operator+(const Known& a, const Known& b) { return {Real(a.value + b.value), a.bound + b.bound}; }
  friend Known operator-(const Known& a, const Known& b) { return {Real(a.value - b.value), a.bound + b.bound}; }
  friend Known operator*(const Known& a, const Known& b) {
    return {Real(a.value * b.value), a.size() * b.bound + a.bound * b.size() + a.bound * b.bound};
  }
  Known& operator+=(const Known& b) { return *this = *this + b; }

 private:
  double size() const { return std::abs(static_cast<double>(value)); }
};

}  // namespace gradproof
