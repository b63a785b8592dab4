// What all normalizations are: the elements of a set share a mean and a variance. They differ in the sets alone.
#pragma once

#include <optional>
#include <vector>

#include "ops/core/window.h"
#include "reference/formulas.h"

namespace gradproof {

// Which elements share statistics: all of space, in `samples` consecutive samples and `channels` consecutive channels.
struct Sharing {
  Index samples = 1, channels = 1;
};

// The formulas of one element of a tensor; S(p) is the set that the element p belongs to, m the number of its elements.
// gamma and beta are given for a channel, [c], or for an element of a sample, [c, i].
template <class T>
struct Normalization {
  struct Statistics {
    T mean, var, rstd;
  };

  // dst = gamma * xhat + beta
  T dst(const Point& p) const {
    T scaled = gamma.exists() ? parameter(gamma, p) * xhat(p) : xhat(p);
    return beta.exists() ? scaled + parameter(beta, p) : scaled;
  }

  // diff_src = rstd * (g - mean(g) - xhat * mean(g * xhat)) with g = gamma * diff_dst, means over S;
  // without mean(g) where no mean is subtracted; with statistics that do not depend on src, diff_src = rstd * g
  T diff_src(const Point& p) const {
    const T rstd = statistics(p).rstd;
    if (constant_statistics) return rstd * g(p);
    const T centred = subtracts_mean ? g(p) - g_means(p).g : g(p);
    return rstd * (centred - xhat(p) * g_means(p).g_xhat);
  }

  // diff_gamma = sum of diff_dst * xhat, and diff_beta = sum of diff_dst, over the elements that a parameter is used at
  T diff_gamma(const Position& q) const {
    return sum_over(uses(gamma.indices_of(q)), [&](const Point& p) { return diff_dst(p) * xhat(p); });
  }
  T diff_beta(const Position& q) const {
    return sum_over(uses(beta.indices_of(q)), [&](const Point& p) { return diff_dst(p); });
  }

 protected:
  using Parameter = RowMajor<T, 4>;  // [c, d, h, w], or [c, 1, 1, 1]

  Normalization(const Case& c, const Arrays<T>& inputs, const Sharing& shared)
      : eps(c.attributes.real("eps")),
        sharing(shared),
        per_element(has_parameters_of_elements(c)),
        sizes{c.attributes.integer("mb"), c.attributes.integer("c")},
        src(inputs, "src"),
        diff_dst(inputs, "diff_dst"),
        gamma(inputs, "gamma", parameter_sizes(c)),
        beta(inputs, "beta", parameter_sizes(c)) {
    const Window window = window_of(c.attributes);
    for (size_t axis = 0; axis < 3; ++axis) sizes[2 + axis] = window.axes[axis].in;
    statistics_.resize(static_cast<size_t>(sizes[0] / sharing.samples * (sizes[1] / sharing.channels)));
    g_means_.resize(statistics_.size());
  }
  virtual ~Normalization() = default;

  // xhat = (src - mean) * rstd
  T xhat(const Point& p) const {
    const Statistics& s = statistics(p);
    return subtracts_mean ? (src(p) - s.mean) * s.rstd : src(p) * s.rstd;
  }

  // mean = 1/m sum over S of src, var = 1/m sum over S of (src - mean)^2, rstd = 1 / sqrt(var + eps);
  // where no mean is subtracted, it counts as zero
  virtual Statistics measured(const Point& p) const {
    const T mean = subtracts_mean ? mean_over_set(p, [&](const Point& q) { return src(q); }) : T(0.0);
    const T var = mean_over_set(p, [&](const Point& q) { return square(subtracts_mean ? src(q) - mean : src(q)); });
    return {mean, var, T(1.0) / sqrt(var + eps)};
  }

  const Statistics& statistics(const Point& p) const {
    std::optional<Statistics>& known = statistics_[set_number(p)];
    return known ? *known : known.emplace(measured(p));
  }

  const T eps;
  bool constant_statistics = false;
  bool subtracts_mean = true;

 private:
  struct Means {
    T g, g_xhat;
  };
  // The points from `first` up to, on every axis, but not including `end`.
  struct Box {
    Point first, end;
  };

  T g(const Point& p) const { return gamma.exists() ? parameter(gamma, p) * diff_dst(p) : diff_dst(p); }

  const Means& g_means(const Point& p) const {
    std::optional<Means>& known = g_means_[set_number(p)];
    if (known) return *known;
    return known.emplace(Means{mean_over_set(p, [&](const Point& q) { return g(q); }),
                               mean_over_set(p, [&](const Point& q) { return g(q) * xhat(q); })});
  }

  static bool has_parameters_of_elements(const Case& c) {
    const std::optional<Shape> gamma = c.spec->find_slot("gamma")->shape(c.attributes);
    return gamma && gamma->rank() > 1;
  }
  static typename Parameter::Indices parameter_sizes(const Case& c) {
    const Index channels = c.attributes.integer("c");
    const Window window = window_of(c.attributes);
    if (!has_parameters_of_elements(c)) return {channels, 1, 1, 1};
    return {channels, window.axes[0].in, window.axes[1].in, window.axes[2].in};
  }
  T parameter(const Parameter& of, const Point& p) const {
    return per_element ? of(p[1], p[2], p[3], p[4]) : of(p[1], 0, 0, 0);
  }
  // Where gamma[c, i], or gamma[c], is used: in every sample, at i or everywhere in space.
  Box uses(const typename Parameter::Indices& at) const {
    const auto [c, d, h, w] = at;
    if (per_element) return {{0, c, d, h, w}, {sizes[0], c + 1, d + 1, h + 1, w + 1}};
    return {{0, c, 0, 0, 0}, {sizes[0], c + 1, sizes[2], sizes[3], sizes[4]}};
  }

  size_t set_number(const Point& p) const {
    return static_cast<size_t>(p[0] / sharing.samples * (sizes[1] / sharing.channels) + p[1] / sharing.channels);
  }
  Box set_of(const Point& p) const {
    const Index n = p[0] / sharing.samples * sharing.samples;
    const Index c = p[1] / sharing.channels * sharing.channels;
    return {{n, c, 0, 0, 0}, {n + sharing.samples, c + sharing.channels, sizes[2], sizes[3], sizes[4]}};
  }
  template <class Term>
  T mean_over_set(const Point& p, Term term) const {
    const auto m = static_cast<double>(sharing.samples * sharing.channels * sizes[2] * sizes[3] * sizes[4]);
    return sum_over(set_of(p), term) / T(m);
  }
  template <class Term>
  T sum_over(const Box& box, Term term) const {
    T sum(0.0);
    for (Index n = box.first[0]; n < box.end[0]; ++n)
      for (Index c = box.first[1]; c < box.end[1]; ++c)
        for (Index d = box.first[2]; d < box.end[2]; ++d)
          for (Index h = box.first[3]; h < box.end[3]; ++h)
            for (Index w = box.first[4]; w < box.end[4]; ++w) sum += term(Point{n, c, d, h, w});
    return sum;
  }

  const Sharing sharing;
  const bool per_element;
  Point sizes;  // of src: n, c, d, h, w
  const Grid<T> src, diff_dst;
  const Parameter gamma, beta;
  mutable std::vector<std::optional<Statistics>> statistics_;  // by set, once computed
  mutable std::vector<std::optional<Means>> g_means_;
};

}  // namespace gradproof
