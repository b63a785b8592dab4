// Wrong batch norms.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/norm/batch_norm.h"

namespace gradproof {
namespace {

enum class BatchNormBug {
  kNone,
  kOnePassVariance,
  kUnbiasedNormalization,
  kBiasedRunningVariance,
  kMomentumReversed,
  kInferenceGradientOfTraining,
  kMeanTermLost,
  kMeanTermTwice,
  kProductTermLost,
  kSumsNotReset,
  kEpsOutsideRoot,
  kGammaGradientUnscaled,
  kCountOfBatch,
  kBatchStatisticsInInference,
};

class NaiveBatchNorm {
 public:
  NaiveBatchNorm(const NaiveCall& call, BatchNormBug bug)
      : call_(call), bug_(bug), a_(batch_norm_attributes(call.attributes)), src_(call.floats("src")) {}

  void run() {
    for (Index c = 0; c < a_.c; ++c) {
      find_statistics(c);
      call_.pass.is_forward() ? normalize(c) : differentiate(c);
    }
  }

 private:
  bool is(BatchNormBug bug) const { return bug_ == bug; }
  bool uses_batch() const { return a_.training || is(BatchNormBug::kBatchStatisticsInInference); }
  float weight(Index c) const { return a_.affine ? call_.floats("gamma")[c] : 1.0F; }

  template <class Visit>
  void for_each(Index c, const Visit& visit) const {
    for (Index n = 0; n < a_.mb; ++n)
      for (Index i = 0; i < a_.space; ++i) visit((n * a_.c + c) * a_.space + i);
  }

  void find_statistics(Index c) {
    const auto count = static_cast<double>(is(BatchNormBug::kCountOfBatch) ? a_.mb : a_.count());
    if (!is(BatchNormBug::kSumsNotReset)) sum_ = 0;
    for_each(c, [&](Index i) { sum_ += static_cast<double>(src_[i]); });
    mean_ = sum_ / count;
    double centred = 0;
    for_each(c, [&](Index i) { centred += std::pow(static_cast<double>(src_[i]) - mean_, 2); });
    var_ = centred / count;
    unbiased_ = centred / (count - 1);
    if (is(BatchNormBug::kOnePassVariance)) {
      float squares = 0, plain = 0;
      for_each(c, [&](Index i) { squares += src_[i] * src_[i], plain += src_[i]; });
      const float mean = plain / static_cast<float>(count);
      var_ = static_cast<double>(squares / static_cast<float>(count) - mean * mean);
    }
    if (is(BatchNormBug::kUnbiasedNormalization)) var_ = unbiased_;
    if (!uses_batch()) {
      mean_ = static_cast<double>(call_.floats("running_mean")[c]);
      var_ = static_cast<double>(call_.floats("running_var")[c]);
    }
    rstd_ = is(BatchNormBug::kEpsOutsideRoot) ? 1 / (std::sqrt(var_) + a_.eps) : 1 / std::sqrt(var_ + a_.eps);
  }

  void normalize(Index c) {
    for_each(c, [&](Index i) {
      const double x = (static_cast<double>(src_[i]) - mean_) * rstd_;
      call_.floats("dst")[i] = static_cast<float>(x * static_cast<double>(weight(c)) +
                                                  (a_.affine ? static_cast<double>(call_.floats("beta")[c]) : 0.0));
    });
    if (!a_.training) return;
    call_.floats("mean")[c] = static_cast<float>(mean_);
    call_.floats("rstd")[c] = static_cast<float>(rstd_);
    const double m = is(BatchNormBug::kMomentumReversed) ? 1 - a_.momentum : a_.momentum;
    const auto blend = [&](const char* running, double now) {
      return static_cast<float>((1 - m) * static_cast<double>(call_.floats(running)[c]) + m * now);
    };
    call_.floats("new_running_mean")[c] = blend("running_mean", mean_);
    call_.floats("new_running_var")[c] =
        blend("running_var", is(BatchNormBug::kBiasedRunningVariance) ? var_ : unbiased_);
  }

  void differentiate(Index c) {
    const float* diff = call_.floats("diff_dst");
    double sum = 0, product = 0;
    const auto normalized = [&](Index i) { return (static_cast<double>(src_[i]) - mean_) * rstd_; };
    for_each(c, [&](Index i) {
      sum += static_cast<double>(diff[i]);
      product += static_cast<double>(diff[i]) * normalized(i);
    });
    if (float* out = call_.floats("diff_beta")) out[c] = static_cast<float>(sum);
    if (float* out = call_.floats("diff_gamma"))
      out[c] = static_cast<float>(is(BatchNormBug::kGammaGradientUnscaled) ? product / rstd_ : product);
    float* out = call_.floats("diff_src");
    if (out == nullptr) return;
    const auto count = static_cast<double>(a_.count());
    const double mean_terms = is(BatchNormBug::kMeanTermLost) ? 0 : is(BatchNormBug::kMeanTermTwice) ? 2 : 1;
    const bool training = a_.training || is(BatchNormBug::kInferenceGradientOfTraining);
    for_each(c, [&](Index i) {
      double through_statistics = mean_terms * sum / count;
      if (!is(BatchNormBug::kProductTermLost)) through_statistics += normalized(i) * product / count;
      const double inner = static_cast<double>(diff[i]) - (training ? through_statistics : 0.0);
      out[i] = static_cast<float>(static_cast<double>(weight(c)) * rstd_ * inner);
    });
  }

  const NaiveCall& call_;
  BatchNormBug bug_;
  BatchNormAttributes a_;
  const float* src_;
  double sum_ = 0, mean_ = 0, var_ = 0, unbiased_ = 0, rstd_ = 0;
};

Implementation wrong_batch_norm(const std::string& name, BatchNormBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveBatchNorm(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> batch_norm_mutants() {
  struct Row {
    const char* name;
    BatchNormBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> gradients{"vjp", "fd-direct"};
  const std::vector<Row> rows{
      {"one-pass-variance", BatchNormBug::kOnePassVariance, "E[x^2] - E[x]^2 in float32", {"forward"}},
      {"unbiased-normalization",
       BatchNormBug::kUnbiasedNormalization,
       "normalizes by the unbiased variance",
       {"forward", "vjp", "fd-direct"}},
      {"biased-running-variance", BatchNormBug::kBiasedRunningVariance, "running variance is biased", {"forward"}},
      {"momentum-reversed", BatchNormBug::kMomentumReversed, "momentum weighs the old value", {"forward"}},
      {"inference-gradient", BatchNormBug::kInferenceGradientOfTraining, "inference backward uses the training formula",
       gradients},
      {"mean-term-lost", BatchNormBug::kMeanTermLost, "the mean term is missing in the gradient", gradients},
      {"mean-term-twice", BatchNormBug::kMeanTermTwice, "the mean term is subtracted twice", gradients},
      {"product-term-lost", BatchNormBug::kProductTermLost, "the gradient through the variance is missing", gradients},
      {"sums-not-reset",
       BatchNormBug::kSumsNotReset,
       "accumulators are not reset between channels",
       {"forward", "vjp", "fd-direct"}},
      {"eps-outside-root", BatchNormBug::kEpsOutsideRoot, "eps is added outside the square root", {"forward", "vjp"}},
      {"gamma-gradient-unscaled", BatchNormBug::kGammaGradientUnscaled, "gamma's gradient lacks 1 / std", gradients},
      {"count-of-batch", BatchNormBug::kCountOfBatch, "the count comes from the batch axis only", {"forward", "vjp"}},
      {"batch-statistics-in-inference",
       BatchNormBug::kBatchStatisticsInInference,
       "inference uses the batch's statistics",
       {"forward", "vjp"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "batch_norm", row.what, row.oracles, wrong_batch_norm(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_batch_norm() {
  return {"healthy-batch-norm", "batch_norm", "no bug", {}, wrong_batch_norm("healthy", BatchNormBug::kNone), {}};
}

}  // namespace gradproof
