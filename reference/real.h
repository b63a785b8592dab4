// Real, the scalar of the truth, and Precise, a second one that shares no arithmetic with it.
//
// Both are plain values (no expression templates, no allocation) that convert from double exactly and never round to
// fewer than 33 digits. Costs of one multiply-add on a 3 GHz core: float128 52 ns, MPFR 56 ns, cpp_bin_float 133 ns.
#pragma once

#include <boost/multiprecision/mpfr.hpp>
#include <concepts>

#if !defined(GRADPROOF_REAL_FLOAT128) && !defined(GRADPROOF_REAL_MPFR) && !defined(GRADPROOF_REAL_CPP_BIN)
#define GRADPROOF_REAL_FLOAT128
#endif

#if defined(GRADPROOF_REAL_FLOAT128)
#include <boost/multiprecision/float128.hpp>
#else
#include <boost/multiprecision/cpp_bin_float.hpp>
#endif

namespace gradproof {

// 50 decimal digits; the limbs live on the stack.
using Mpfr50 =
    boost::multiprecision::number<boost::multiprecision::mpfr_float_backend<50, boost::multiprecision::allocate_stack>,
                                  boost::multiprecision::et_off>;

#if defined(GRADPROOF_REAL_FLOAT128)
// IEEE binary128: 113 bits, 33 digits, exponents to 2^16383. g++ on x86-64 only.
using Real = boost::multiprecision::float128;
using Precise = Mpfr50;
#elif defined(GRADPROOF_REAL_MPFR)
using Real = Mpfr50;
using Precise = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<50>, boost::multiprecision::et_off>;
#else
using Real = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<50>, boost::multiprecision::et_off>;
using Precise = Mpfr50;
#endif

#if defined(GRADPROOF_REAL_FLOAT128)
// Boost's comparisons first ask both operands for NaN, with five calls of libgcc and libquadmath each; __float128's own
// are one call, and false of NaN just as well.
inline bool operator==(const Real& a, const Real& b) { return a.backend().value() == b.backend().value(); }
inline bool operator!=(const Real& a, const Real& b) { return a.backend().value() != b.backend().value(); }
inline bool operator<(const Real& a, const Real& b) { return a.backend().value() < b.backend().value(); }
inline bool operator>(const Real& a, const Real& b) { return a.backend().value() > b.backend().value(); }
inline bool operator<=(const Real& a, const Real& b) { return a.backend().value() <= b.backend().value(); }
inline bool operator>=(const Real& a, const Real& b) { return a.backend().value() >= b.backend().value(); }
inline bool isnan(const Real& x) { return x != x; }
#endif

static_assert(!std::same_as<Real, Precise>, "the second truth must be independent of the first");

}  // namespace gradproof
