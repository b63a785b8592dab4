// What all normalizations are: the elements of a set share a mean and a variance. They differ in the sets alone.
#pragma once

#include <algorithm>

#include "ops/core/shape.h"

namespace gradproof {

// Which elements of src share statistics: all of space, in `samples` consecutive samples and `channels` consecutive
// channels. Sets are numbered as they lie: by their first sample, then by their first channel.
struct NormSets {
  Index mb = 1, c = 1, space = 1;   // of src
  Index samples = 1, channels = 1;  // of a set; they divide mb and c

  Index groups() const { return c / channels; }
  Index sets() const { return mb / samples * groups(); }
  Index count() const { return samples * channels * space; }  // elements of a set
  Index pitch() const { return c * space; }                   // from one sample to the next
  Index total() const { return mb * pitch(); }

  Index first_channel(Index set) const { return set % groups() * channels; }
  Index first_element(Index set) const { return set / groups() * samples * pitch() + first_channel(set) * space; }
};

// Depths of a textbook evaluation in float32 with n elements a set, counted as reference/mass.h defines them:
//   mean n; src - mean n + 1; its square 2n + 3; var 3n + 3; var + eps, sqrt, reciprocal 3n + 6; xhat 4n + 8;
//   dst = gamma * xhat + beta 4n + 10; diff_gamma = sum(diff_dst * xhat) 4n + 8 + uses;
//   diff_src = rstd * (g - mean(g) - xhat * mean(g * xhat)), g = gamma * diff_dst: mean(g * xhat) 5n + 10, times xhat
//   9n + 19, two differences 9n + 20, all 12n + 27.
struct NormDepth {
  double count = 1;  // n; 0 for statistics that do not depend on src
  double uses = 1;   // elements that a parameter is used at
  double centred = 0;
  double var = 0;

  static NormDepth with_mean(double count, double uses) { return {count, uses, count + 1, 3 * count + 3}; }
  // Nothing is subtracted: var = mean(src^2).
  static NormDepth without_mean(double count, double uses) { return {count, uses, 0, count + 1}; }
  // Given statistics are inputs.
  static NormDepth given_statistics(double uses) { return {0, uses, 1, 0}; }

  double mean() const { return count; }
  double rstd() const { return std::max(var, 1.0) + 3; }  // eps itself is rounded
  double xhat() const { return centred + rstd() + 1; }
  double dst() const { return xhat() + 2; }
  double diff_gamma() const { return xhat() + uses; }
  double diff_beta() const { return uses; }
  double diff_src() const { return count > 0 ? xhat() + (xhat() + count + 1) + rstd() + 4 : rstd() + 2; }
};

}  // namespace gradproof
