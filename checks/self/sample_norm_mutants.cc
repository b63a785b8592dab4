// Wrong normalizations by statistics of a sample: group_norm, instance_norm, layer_norm, rms_norm.
#include <algorithm>
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/norm/group_norm.h"
#include "ops/norm/layer_norm.h"

namespace gradproof {
namespace {

enum class SampleNormBug {
  kNone,
  kGroupsInterleaved,
  kCountOfBatch,
  kOnePassVariance,
  kUnbiased,
  kSumsNotReset,
  kEpsOutsideRoot,
  kGammaOfGroup,
  kGammaOfChannel,
  kMeanTermLost,
  kMeanTermTwice,
  kProductTermLost,
  kGammaLeftOut,
  kGammaOutsideMeans,
  kLastSampleOnly,
  kMeanSubtracted,
};

// The naive kernel of all four: they differ in the sets, in whether gamma belongs to a channel or to an element, and
// in whether a mean is subtracted.
class NaiveSampleNorm {
 public:
  NaiveSampleNorm(const NaiveCall& call, const SampleNormAttributes& a, bool per_element, SampleNormBug bug)
      : call_(call),
        bug_(bug),
        sets_(a.sets),
        eps_(a.eps),
        per_element_(per_element),
        centred_(call.tensor("rrms") == nullptr),
        src_(call.floats("src")),
        gamma_(call.floats("gamma")) {}

  void run() {
    if (!call_.pass.is_forward()) clear_parameter_gradients();
    for (Index set = 0; set < sets_.sets(); ++set) {
      find_statistics(set);
      call_.pass.is_forward() ? normalize(set) : differentiate(set);
    }
  }

 private:
  bool is(SampleNormBug bug) const { return bug_ == bug; }
  bool subtracts_mean() const { return centred_ || is(SampleNormBug::kMeanSubtracted); }

  // visit(i, k): an element of src and the element of gamma and beta that belongs to it.
  template <class Visit>
  void for_each(Index set, const Visit& visit) const {
    const Index n = set / sets_.groups(), group = set % sets_.groups();
    for (Index c = 0; c < sets_.c; ++c) {
      if ((is(SampleNormBug::kGroupsInterleaved) ? c % sets_.groups() : c / sets_.channels) != group) continue;
      for (Index i = 0; i < sets_.space; ++i) {
        Index parameter = per_element_ ? c * sets_.space + i : c;
        if (is(SampleNormBug::kGammaOfGroup)) parameter = group;
        if (is(SampleNormBug::kGammaOfChannel)) parameter = c;
        visit((n * sets_.c + c) * sets_.space + i, parameter);
      }
    }
  }

  void find_statistics(Index set) {
    const auto count = static_cast<double>(is(SampleNormBug::kCountOfBatch) ? sets_.mb * sets_.space : sets_.count());
    if (!is(SampleNormBug::kSumsNotReset)) sum_ = squares_ = 0;
    for_each(set, [&](Index i, Index) { sum_ += static_cast<double>(src_[i]); });
    mean_ = subtracts_mean() ? sum_ / count : 0;
    for_each(set, [&](Index i, Index) { squares_ += std::pow(static_cast<double>(src_[i]) - mean_, 2); });
    double var = squares_ / (is(SampleNormBug::kUnbiased) ? count - 1 : count);
    if (is(SampleNormBug::kOnePassVariance)) {
      float squares = 0, plain = 0;
      for_each(set, [&](Index i, Index) { squares += src_[i] * src_[i], plain += src_[i]; });
      const float mean = plain / static_cast<float>(count);
      var = static_cast<double>(squares / static_cast<float>(count) - mean * mean);
    }
    rstd_ = is(SampleNormBug::kEpsOutsideRoot) ? 1 / (std::sqrt(var) + eps_) : 1 / std::sqrt(var + eps_);
  }

  double weight(Index parameter) const { return gamma_ == nullptr ? 1.0 : static_cast<double>(gamma_[parameter]); }
  double normalized(Index i) const { return (static_cast<double>(src_[i]) - mean_) * rstd_; }

  void normalize(Index set) {
    const float* beta = call_.floats("beta");
    for_each(set, [&](Index i, Index k) {
      const double shift = beta == nullptr ? 0.0 : static_cast<double>(beta[k]);
      call_.floats("dst")[i] = static_cast<float>(normalized(i) * weight(k) + shift);
    });
    if (float* out = call_.floats("mean")) out[set] = static_cast<float>(mean_);
    call_.floats(centred_ ? "rstd" : "rrms")[set] = static_cast<float>(rstd_);
  }

  void clear_parameter_gradients() {
    for (const char* name : {"diff_gamma", "diff_beta"})
      if (float* out = call_.floats(name)) std::fill_n(out, call_.count(name), 0.0F);
    totals_.assign(static_cast<size_t>(per_element_ ? sets_.pitch() : sets_.c), {});
  }

  void differentiate(Index set) {
    const float* diff = call_.floats("diff_dst");
    const auto inner_weight = [&](Index k) {
      return is(SampleNormBug::kGammaLeftOut) || is(SampleNormBug::kGammaOutsideMeans) ? 1.0 : weight(k);
    };
    double sum = 0, product = 0;
    for_each(set, [&](Index i, Index k) {
      const double d = static_cast<double>(diff[i]), g = inner_weight(k) * d;
      sum += g;
      product += g * normalized(i);
      Total& total = totals_[static_cast<size_t>(k)];
      const Index n = set / sets_.groups();
      if (is(SampleNormBug::kLastSampleOnly) && total.sample != n) total = {};
      total.sample = n;
      total.gamma += d * normalized(i);
      total.beta += d;
      if (float* out = call_.floats("diff_gamma")) out[k] = static_cast<float>(total.gamma);
      if (float* out = call_.floats("diff_beta")) out[k] = static_cast<float>(total.beta);
    });
    if (float* out = call_.floats("diff_src")) {
      const auto count = static_cast<double>(sets_.count());
      double mean_terms = is(SampleNormBug::kMeanTermLost) ? 0 : is(SampleNormBug::kMeanTermTwice) ? 2 : 1;
      if (!centred_ && !is(SampleNormBug::kMeanSubtracted)) mean_terms -= 1;
      const double product_terms = is(SampleNormBug::kProductTermLost) ? 0 : 1;
      for_each(set, [&](Index i, Index k) {
        const double through_statistics = mean_terms * sum / count + product_terms * normalized(i) * product / count;
        const double inner = inner_weight(k) * static_cast<double>(diff[i]) - through_statistics;
        out[i] = static_cast<float>((is(SampleNormBug::kGammaOutsideMeans) ? weight(k) : 1.0) * rstd_ * inner);
      });
    }
  }

  struct Total {
    double gamma = 0, beta = 0;
    Index sample = -1;
  };

  const NaiveCall& call_;
  const SampleNormBug bug_;
  const NormSets sets_;
  const double eps_;
  const bool per_element_, centred_;
  const float *src_, *gamma_;
  double sum_ = 0, squares_ = 0, mean_ = 0, rstd_ = 0;
  std::vector<Total> totals_;
};

Implementation naive_norm(const std::string& name, const std::string& operation, SampleNormBug bug) {
  const bool per_element = operation == "layer_norm" || operation == "rms_norm";
  return naive_implementation(name, [per_element, bug](const NaiveCall& call) {
    const SampleNormAttributes a =
        per_element ? layer_norm_attributes(call.attributes) : group_norm_attributes(call.attributes);
    NaiveSampleNorm(call, a, per_element, bug).run();
  });
}

Mutant healthy(const std::string& operation) {
  std::string name = "healthy-" + operation;
  std::replace(name.begin(), name.end(), '_', '-');
  return {name, operation, "no bug", {}, naive_norm("healthy", operation, SampleNormBug::kNone), {}};
}

}  // namespace

std::vector<Mutant> sample_norm_mutants() {
  struct Row {
    const char* name;
    SampleNormBug bug;
    const char* what;
    std::vector<std::string> operations, oracles;
  };
  const std::vector<std::string> all{"forward", "vjp", "fd-direct"}, forward{"forward"}, gradients{"vjp", "fd-direct"};
  const std::vector<std::string> group{"group_norm"}, per_channel{"group_norm", "instance_norm"},
      per_element{"layer_norm", "rms_norm"}, rms{"rms_norm"},
      mean_subtracted{"group_norm", "instance_norm", "layer_norm"},
      every{"group_norm", "instance_norm", "layer_norm", "rms_norm"};
  const std::vector<Row> rows{
      {"groups-interleaved", SampleNormBug::kGroupsInterleaved, "channel c is in group c mod g [tt-metal 56202]", group,
       all},
      {"count-of-batch", SampleNormBug::kCountOfBatch, "the count comes from the batch instead of the channels", every,
       all},
      {"one-pass-variance", SampleNormBug::kOnePassVariance, "E[x^2] - E[x]^2 in float32", mean_subtracted, forward},
      {"unbiased", SampleNormBug::kUnbiased, "normalizes by the unbiased variance", mean_subtracted, all},
      {"sums-not-reset", SampleNormBug::kSumsNotReset, "accumulators are not reset between sets", every, all},
      {"eps-outside-root", SampleNormBug::kEpsOutsideRoot, "eps is added outside the square root", every, all},
      {"gamma-of-group", SampleNormBug::kGammaOfGroup, "gamma and beta are the group's number, not the channel's",
       group, forward},
      {"gamma-of-channel", SampleNormBug::kGammaOfChannel, "gamma and beta are a channel's, not an element's",
       per_element, forward},
      {"mean-term-lost", SampleNormBug::kMeanTermLost, "the mean term is missing in the gradient", mean_subtracted,
       gradients},
      {"mean-term-twice", SampleNormBug::kMeanTermTwice, "the mean term is subtracted twice", mean_subtracted,
       gradients},
      {"product-term-lost", SampleNormBug::kProductTermLost, "the gradient through the variance is missing", every,
       gradients},
      {"gamma-left-out", SampleNormBug::kGammaLeftOut, "gamma is left out of diff_src", every, gradients},
      {"gamma-outside-means",
       SampleNormBug::kGammaOutsideMeans,
       "gamma is taken out of the means, as if the set had but one",
       {"group_norm", "layer_norm", "rms_norm"},
       gradients},
      {"last-sample-only", SampleNormBug::kLastSampleOnly, "parameter gradients are those of the last sample", every,
       gradients},
      {"mean-subtracted", SampleNormBug::kMeanSubtracted, "a mean is subtracted as in layer_norm", rms, all},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    for (const std::string& operation : row.operations)
      mutants.push_back({row.name, operation, row.what, row.oracles, naive_norm(row.name, operation, row.bug), {}});
  return mutants;
}

Mutant healthy_group_norm() { return healthy("group_norm"); }
Mutant healthy_instance_norm() { return healthy("instance_norm"); }
Mutant healthy_layer_norm() { return healthy("layer_norm"); }
Mutant healthy_rms_norm() { return healthy("rms_norm"); }

}  // namespace gradproof
