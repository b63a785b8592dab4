// How exact the functions of math-inl.h are.
#pragma once

namespace gradproof {

// The worst error of each, in units in the last place of the result (2^-149 where that is denormal), on every target.
// math_test.cc holds them to it. Two roundings of 2^-24 each cover an ulp, hence the depth of a function is twice this.
struct MathUlps {
  static constexpr double kExp = 1, kLog = 1.5, kExpm1 = 2, kLog1p = 1.5, kTanh = 2, kSigmoid = 2.5, kSoftplus = 2,
                          kGelu = 5;
};

}  // namespace gradproof
