#include "gate/statistics.h"

#include <algorithm>
#include <bit>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

namespace gradproof {
namespace {

// long double digits, Boost's default, take half of this file's build time and change nothing that is printed.
using InDouble = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
using Binomial = boost::math::binomial_distribution<double, InDouble>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Where `rejected` turns from true to false, between a center that is rejected and one that is not.
template <class Rejected>
double turning_point(double out, double in, const Rejected& rejected) {
  constexpr int kHalvings = 30;  // 1e-9 of the spread of the values
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = std::midpoint(out, in);
    (rejected(middle) ? out : in) = middle;
  }
  return in;
}

// The rank of every distance from the center by its size, with its sign. A distance of 0 has neither.
std::vector<double> signed_ranks(std::span<const double> values, double center) {
  std::vector<double> ranks;
  for (const double value : values) {
    const double distance = value - center;
    double rank = 0.5;  // a value ties with itself
    for (const double other : values) {
      const double size = std::abs(other - center);
      rank += size < std::abs(distance) ? 1.0 : size == std::abs(distance) ? 0.5 : 0.0;
    }
    ranks.push_back(distance == 0 ? 0.0 : std::copysign(rank, distance));
  }
  return ranks;
}

std::vector<double> negated(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  for (double& value : result) value = -value;
  return result;
}

// The least center that is not rejected from below.
double lower_limit(std::span<const double> values, double level) {
  const auto rejected = [&](double center) { return signed_rank_p(values, center) <= level; };
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  // A center below all values is the easiest to reject: no flip of a sign then raises the sum.
  const double below = *least - (*most - *least) - 1e-12;
  if (!rejected(below)) return -kInfinity;
  return turning_point(below, *most, rejected);
}

}  // namespace

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : std::midpoint(values[middle - 1], values[middle]);
}

double lower_quartile(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const double position = 0.25 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], position - static_cast<double>(below));
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double sum = 0;
  for (double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double hodges_lehmann(std::span<const double> values) {
  std::vector<double> means;
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t j = i; j < values.size(); ++j) means.push_back(std::midpoint(values[i], values[j]));
  return median_of(std::move(means));
}

double signed_rank_p(std::span<const double> values, double center) {
  std::vector<double> ranks = signed_ranks(values, center);
  const double observed = std::accumulate(ranks.begin(), ranks.end(), 0.0);
  std::int64_t reached = 0;
  double sum = observed;
  const std::uint64_t flips = std::uint64_t{1} << ranks.size();
  for (std::uint64_t i = 1;; ++i) {  // in the order of a Gray code: one sign changes at a time
    if (sum >= observed) ++reached;  // sums of halves of whole numbers are exact
    if (i == flips) break;
    double& rank = ranks[static_cast<size_t>(std::countr_zero(i))];
    sum -= 2 * rank;
    rank = -rank;
  }
  return static_cast<double>(reached) / static_cast<double>(flips);
}

Interval signed_rank_interval(std::span<const double> values, double confidence) {
  const double level = (1 - confidence) / 2;
  return {lower_limit(values, level), -lower_limit(negated(values), level)};
}

Interval sign_test_interval(std::vector<double> values, double confidence) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<int>(values.size());
  const Binomial coin(n, 0.5);
  int k = 0;  // the median lies below the k-th smallest with probability P(X < k)
  while (2 * (k + 1) <= n && boost::math::cdf(coin, k) <= (1 - confidence) / 2) ++k;
  if (k == 0) return {-kInfinity, kInfinity};
  return {values[static_cast<size_t>(k - 1)], values[static_cast<size_t>(n - k)]};
}

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(p.size() - i) * p[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

double detectable_change(double deviation, int launches, double level, double power) {
  const boost::math::normal_distribution<double, InDouble> normal;
  return (quantile(normal, 1 - level) + quantile(normal, power)) * deviation / std::sqrt(launches);
}

Interval proportion_interval(int successes, int trials, double confidence) {
  const double level = (1 - confidence) / 2;
  return {successes == 0 ? 0 : Binomial::find_lower_bound_on_p(trials, successes, level),
          successes == trials ? 1 : Binomial::find_upper_bound_on_p(trials, successes, level)};
}

}  // namespace gradproof
