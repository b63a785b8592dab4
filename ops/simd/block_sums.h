// Statistics of a channel, summed in blocks.
#pragma once

#include <cmath>

#include "ops/core/shape.h"

namespace gradproof {

// Elements of one channel of a batch: `segments` runs of `length` elements that start `pitch` apart.
struct Channel {
  Index segments = 1, length = 1, pitch = 0;
  Index count() const { return segments * length; }
};

inline constexpr Index kSumBlockSize = 4096;

// Count, sum and centred second moment, the sum of (x - mean)^2, of a set of elements.
struct Moments {
  double count = 0, sum = 0, centred = 0;

  // From the sums of x - shift and of (x - shift)^2. Where `shift` is one of the elements,
  // (shift - mean)^2 <= centred, so that the difference below loses at most a factor count + 1 of precision: with
  // chains of 260 additions in a block of 4096, 260 * 4097 * 2^-53 < 2^-32 of the result remain in doubt.
  static Moments shifted(double count, double shift, double sum, double square) {
    return {count, count * shift + sum, square - sum * (sum / count)};
  }

  // Chan, Golub and LeVeque 1979, STAN-CS-79-773, equation 2.1.
  void merge(const Moments& other) {
    if (count > 0) {
      const double delta = other.sum / other.count - sum / count;
      centred += other.centred + delta * delta * (count * other.count / (count + other.count));
      sum += other.sum;
      count += other.count;
    } else {
      *this = other;
    }
  }

  double mean() const { return sum / count; }
  // Rounding may leave a negative trace of nothing; NaN stays NaN.
  double variance() const { return centred < 0 ? 0 : centred / count; }
  double unbiased_variance() const { return centred < 0 ? 0 : centred / (count - 1); }
};

// What normalizations need for their gradients: sums of diff_dst, src - mean, and their product.
struct GradientSums {
  double diff = 0, centred = 0, product = 0;

  void add(const GradientSums& other) {
    diff += other.diff;
    centred += other.centred;
    product += other.product;
  }
};

// Everything that is summed or merged in double here, in float32 roundings: 2^-32 of a block's second moment, and one
// 2^-53 for each of up to 2^20 blocks, weighed against u = 2^-24.
inline constexpr double kSumDepth = 0x1p-7;

}  // namespace gradproof
