// Normalizations and their gradients.

#include <optional>
#include <vector>

#include "ops/core/window.h"
#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// batch_norm (Ioffe and Szegedy 2015, arXiv:1502.03167) with the conventions of PyTorch: the biased variance
// normalizes, the unbiased one enters the running statistics. n batch, c channel, i = (id, ih, iw); m elements a
// channel.
template <class T>
struct BatchNormFormulas {
  // dst[n,c,i] = gamma[c] * xhat[n,c,i] + beta[c]
  T dst(const Point& p) const {
    const Index c = p[1];
    return affine ? gamma(c) * xhat(p) + beta(c) : xhat(p);
  }

  // mean[c] = 1/m sum over n, i of src[n,c,i], and rstd[c] = 1 / sqrt(var[c] + eps)
  T mean(const Point& p) const { return statistics(p[0]).mean; }
  T rstd(const Point& p) const { return statistics(p[0]).rstd; }

  // new_running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c]
  T new_running_mean(const Point& p) const {
    const Index c = p[0];
    return (T(1.0) - momentum) * running_mean(c) + momentum * statistics(c).mean;
  }
  // new_running_var[c] = (1 - momentum) * running_var[c] + momentum * m / (m - 1) * var[c]
  T new_running_var(const Point& p) const {
    const Index c = p[0];
    return (T(1.0) - momentum) * running_var(c) + momentum * (m / (m - T(1.0)) * statistics(c).var);
  }

  // diff_src = gamma * rstd * (diff_dst - mean(diff_dst) - xhat * mean(diff_dst * xhat)), means over the channel;
  // with running statistics, which do not depend on src, diff_src = gamma * rstd * diff_dst
  T diff_src(const Point& p) const {
    const Index c = p[1];
    const T scale = affine ? gamma(c) * statistics(c).rstd : statistics(c).rstd;
    if (!training) return scale * diff_dst(p);
    return scale * (diff_dst(p) - sums(c).diff / m - xhat(p) * (sums(c).diff_xhat / m));
  }

  // diff_gamma[c] = sum over n, i of diff_dst[n,c,i] * xhat[n,c,i], and diff_beta[c] = sum over n, i of diff_dst[n,c,i]
  T diff_gamma(const Point& p) const { return sums(p[0]).diff_xhat; }
  T diff_beta(const Point& p) const { return sums(p[0]).diff; }

  static FormulaTable<BatchNormFormulas, T> table() {
    using F = BatchNormFormulas;
    return {{"dst", &F::dst},
            {"mean", &F::mean},
            {"rstd", &F::rstd},
            {"new_running_mean", &F::new_running_mean},
            {"new_running_var", &F::new_running_var},
            {"diff_src", &F::diff_src},
            {"diff_gamma", &F::diff_gamma},
            {"diff_beta", &F::diff_beta}};
  }

  BatchNormFormulas(const Case& c, const Arrays<T>& inputs)
      : training(c.attributes.flag("training")),
        affine(c.attributes.flag("affine")),
        momentum(c.attributes.real("momentum")),
        eps(c.attributes.real("eps")),
        mb(c.attributes.integer("mb")),
        window(window_of(c.attributes)),
        m(static_cast<double>(mb * window.in_count())),
        src(inputs, "src"),
        gamma(inputs, "gamma"),
        beta(inputs, "beta"),
        running_mean(inputs, "running_mean"),
        running_var(inputs, "running_var"),
        diff_dst(inputs, "diff_dst"),
        statistics_(static_cast<size_t>(c.attributes.integer("c"))),
        sums_(statistics_.size()) {}

 private:
  struct Statistics {
    T mean, var, rstd;
  };
  struct Sums {
    T diff, diff_xhat;
  };

  // xhat[n,c,i] = (src[n,c,i] - mean[c]) * rstd[c]
  T xhat(const Point& p) const {
    const Statistics& s = statistics(p[1]);
    return (src(p) - s.mean) * s.rstd;
  }

  // mean[c] and var[c] = 1/m sum over n, i of (src[n,c,i] - mean[c])^2; in inference the running ones.
  const Statistics& statistics(Index c) const {
    std::optional<Statistics>& known = statistics_[static_cast<size_t>(c)];
    if (known) return *known;
    T mean = running_mean(c), var = running_var(c);
    if (training) {
      mean = sum_over_channel(c, [&](const Point& p) { return src(p); }) / m;
      var = sum_over_channel(c, [&](const Point& p) { return (src(p) - mean) * (src(p) - mean); }) / m;
    }
    return known.emplace(Statistics{mean, var, T(1.0) / sqrt(var + eps)});
  }

  const Sums& sums(Index c) const {
    std::optional<Sums>& known = sums_[static_cast<size_t>(c)];
    if (known) return *known;
    return known.emplace(Sums{sum_over_channel(c, [&](const Point& p) { return diff_dst(p); }),
                              sum_over_channel(c, [&](const Point& p) { return diff_dst(p) * xhat(p); })});
  }

  template <class Term>
  T sum_over_channel(Index c, Term term) const {
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index d = 0; d < window.axes[0].in; ++d)
        for (Index h = 0; h < window.axes[1].in; ++h)
          for (Index w = 0; w < window.axes[2].in; ++w) sum += term(Point{n, c, d, h, w});
    return sum;
  }

  const bool training, affine;
  const T momentum, eps;
  const Index mb;
  const Window window;
  const T m;
  const Grid<T> src, gamma, beta, running_mean, running_var, diff_dst;
  mutable std::vector<std::optional<Statistics>> statistics_;  // by channel, once computed
  mutable std::vector<std::optional<Sums>> sums_;
};

}  // namespace

Reference batch_norm_reference() { return make_reference<BatchNormFormulas>(); }

}  // namespace gradproof
