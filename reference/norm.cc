// Normalizations and their gradients.

#include "ops/core/window.h"
#include "reference/families.h"
#include "reference/normalization.h"

namespace gradproof {
namespace {

// batch_norm (Ioffe and Szegedy 2015, arXiv:1502.03167) with the conventions of PyTorch: a channel of all samples
// shares statistics. The biased variance normalizes, the unbiased one enters the running statistics.
template <class T>
struct BatchNormFormulas : Normalization<T> {
  using Base = Normalization<T>;
  using typename Base::Statistics;

  BatchNormFormulas(const Case& c, const Arrays<T>& inputs)
      : Base(c, inputs, {.samples = c.attributes.integer("mb"), .channels = 1}),
        momentum(c.attributes.real("momentum")),
        m(static_cast<double>(c.attributes.integer("mb") * window_of(c.attributes).in_count())),
        running_mean(inputs, "running_mean"),
        running_var(inputs, "running_var") {
    this->constant_statistics = !c.attributes.flag("training");
  }

  T mean(const Point& p) const { return this->statistics(in_channel(p)).mean; }
  T rstd(const Point& p) const { return this->statistics(in_channel(p)).rstd; }

  // new_running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c]
  T new_running_mean(const Point& p) const {
    const Index c = p[0];
    return (T(1.0) - momentum) * running_mean(c) + momentum * this->statistics(in_channel(p)).mean;
  }
  // new_running_var[c] = (1 - momentum) * running_var[c] + momentum * m / (m - 1) * var[c]
  T new_running_var(const Point& p) const {
    const Index c = p[0];
    return (T(1.0) - momentum) * running_var(c) + momentum * (m / (m - T(1.0)) * this->statistics(in_channel(p)).var);
  }

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

 private:
  static Point in_channel(const Point& p) { return {0, p[0]}; }

  // In inference the running statistics, which do not depend on src.
  Statistics measured(const Point& p) const override {
    if (!this->constant_statistics) return Base::measured(p);
    const Index c = p[1];
    return {running_mean(c), running_var(c), T(1.0) / sqrt(running_var(c) + this->eps)};
  }

  const T momentum, m;
  const Grid<T> running_mean, running_var;
};

// group_norm (Wu and He 2018, arXiv:1803.08494): c / g channels of one sample share statistics. gamma and beta belong
// to a channel. With one channel a group it is instance_norm (Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022).
template <class T>
struct GroupNormFormulas : Normalization<T> {
  GroupNormFormulas(const Case& c, const Arrays<T>& inputs)
      : Normalization<T>(c, inputs, {.samples = 1, .channels = channels_of(c.attributes)}),
        channels(channels_of(c.attributes)) {}

  // mean[n,g] and rstd[n,g] of the channels g * c / G and following
  T mean(const Point& p) const { return this->statistics(in_group(p)).mean; }
  T rstd(const Point& p) const { return this->statistics(in_group(p)).rstd; }

  static FormulaTable<GroupNormFormulas, T> table() {
    using F = GroupNormFormulas;
    return {{"dst", &F::dst},
            {"mean", &F::mean},
            {"rstd", &F::rstd},
            {"diff_src", &F::diff_src},
            {"diff_gamma", &F::diff_gamma},
            {"diff_beta", &F::diff_beta}};
  }

 private:
  static Index channels_of(const Attributes& a) { return a.has("g") ? a.integer("c") / a.integer("g") : 1; }
  Point in_group(const Point& p) const { return {p[0], p[1] * channels}; }

  const Index channels;
};

// layer_norm (Ba, Kiros and Hinton 2016, arXiv:1607.06450): a sample shares statistics. gamma and beta belong to an
// element of it.
template <class T>
struct LayerNormFormulas : Normalization<T> {
  LayerNormFormulas(const Case& c, const Arrays<T>& inputs)
      : Normalization<T>(c, inputs, {.samples = 1, .channels = c.attributes.integer("c")}) {}

  T mean(const Point& p) const { return this->statistics({p[0]}).mean; }
  T rstd(const Point& p) const { return this->statistics({p[0]}).rstd; }

  static FormulaTable<LayerNormFormulas, T> table() {
    using F = LayerNormFormulas;
    return {{"dst", &F::dst},
            {"mean", &F::mean},
            {"rstd", &F::rstd},
            {"diff_src", &F::diff_src},
            {"diff_gamma", &F::diff_gamma},
            {"diff_beta", &F::diff_beta}};
  }
};

// rms_norm (Zhang and Sennrich 2019, arXiv:1910.07467): as layer_norm, but no mean is subtracted, nor a beta added.
template <class T>
struct RmsNormFormulas : Normalization<T> {
  RmsNormFormulas(const Case& c, const Arrays<T>& inputs)
      : Normalization<T>(c, inputs, {.samples = 1, .channels = c.attributes.integer("c")}) {
    this->subtracts_mean = false;
  }

  // rrms[n] = 1 / sqrt(mean(src^2) + eps)
  T rrms(const Point& p) const { return this->statistics({p[0]}).rstd; }

  static FormulaTable<RmsNormFormulas, T> table() {
    using F = RmsNormFormulas;
    return {{"dst", &F::dst}, {"rrms", &F::rrms}, {"diff_src", &F::diff_src}, {"diff_gamma", &F::diff_gamma}};
  }
};

}  // namespace

Reference batch_norm_reference() { return make_reference<BatchNormFormulas>(); }
Reference group_norm_reference() { return make_reference<GroupNormFormulas>(); }
Reference instance_norm_reference() { return make_reference<GroupNormFormulas>(); }
Reference layer_norm_reference() { return make_reference<LayerNormFormulas>(); }
Reference rms_norm_reference() { return make_reference<RmsNormFormulas>(); }

}  // namespace gradproof
