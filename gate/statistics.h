// What launches prove: exact tests on few replicates, with no assumption about how times are distributed but symmetry.
#pragma once

#include <span>
#include <vector>

namespace gradproof {

struct Interval {
  double low = 0;
  double high = 0;
};

double median_of(std::vector<double> values);
// The value that a quarter of them lie below, by linear interpolation of the order statistics.
double lower_quartile(std::vector<double> values);
double mean_of(std::span<const double> values);
// With n - 1; 0 for fewer than two values.
double deviation_of(std::span<const double> values);

// The median of the means of all pairs of values, each value with itself among them (J. L. Hodges and E. L. Lehmann,
// 1963): the center that the test below finds least to say against. A wild value moves it hardly at all.
double hodges_lehmann(std::span<const double> values);

// Most values for which all 2^n sign flips are tried.
inline constexpr int kMostFlipped = 20;

// P(signed rank sum >= the observed one) when every value minus `center` had been as likely to come out with the other
// sign: the one-sided exact test of "the values lie symmetrically about something no larger than `center`" (F.
// Wilcoxon, Individual comparisons by ranking methods, 1945; ties share their mean rank). 1 / 2^n is the least it can
// be. Takes 1 to kMostFlipped values.
double signed_rank_p(std::span<const double> values, double center);

// All centers that the test above rejects neither from below nor from above at (1 - confidence) / 2 each. Infinite
// where there are too few values to reject anything.
Interval signed_rank_interval(std::span<const double> values, double confidence);

// Between two order statistics: holds the median with at least this probability whatever the distribution.
Interval sign_test_interval(std::vector<double> values, double confidence);

// Holm's step-down: the i-th is rejected at level a, over all of them together, when the i-th result is <= a.
std::vector<double> holm_adjusted(std::span<const double> p);

// How far the mean of normally distributed launches has to lie beyond delta for a one-sided test at `level` to see it
// with probability `power`.
double detectable_change(double deviation, int launches, double level, double power);

// Clopper and Pearson's interval of a probability, from `successes` of `trials`.
Interval proportion_interval(int successes, int trials, double confidence);

}  // namespace gradproof
