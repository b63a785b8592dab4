// Wrong relus and linear layers.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/linear/linear.h"

namespace gradproof {
namespace {

enum class ReluBug {
  kNone,
  kGradientAtZero,
  kNanToZero,
  kTailDiffersAtNan,
  kLastSkipped,
  kNegativeZeroLost,
  kStoresPastEnd
};

void naive_relu(const NaiveCall& call, ReluBug bug) {
  const Index count = call.count("src");
  const float* src = call.floats("src");
  float* out = call.floats(call.pass.is_forward() ? "dst" : "diff_src");
  const float* diff = call.floats("diff_dst");
  for (Index i = 0; i < count; ++i) {
    if (bug == ReluBug::kLastSkipped && i == count - 1) break;
    const bool in_tail = i >= count / 16 * 16;
    const bool nan_to_zero = bug == ReluBug::kNanToZero || (bug == ReluBug::kTailDiffersAtNan && in_tail);
    if (call.pass.is_forward()) {
      out[i] = src[i] < 0 || (nan_to_zero && std::isnan(src[i])) ? 0.0F : src[i];
      if (bug == ReluBug::kNegativeZeroLost && src[i] == 0) out[i] = 0.0F;
    } else {
      const bool blocked = bug == ReluBug::kGradientAtZero ? src[i] < 0 : src[i] <= 0;
      out[i] = blocked || (nan_to_zero && std::isnan(src[i])) ? 0.0F : diff[i];
    }
  }
  if (bug == ReluBug::kStoresPastEnd && count % 16 != 0) out[count] = 0;
}

enum class LinearBug {
  kNone,
  kBiasTwice,
  kBiasLostForOne,
  kBiasGradientOfFirst,
  kWeightsTransposed,
  kTailSkipped,
  kSecondSampleRepeated,
};

void linear_forward(const NaiveCall& call, const LinearAttributes& a, LinearBug bug) {
  const float* bias = call.floats("bias");
  for (Index n = 0; n < a.mb; ++n)
    for (Index o = 0; o < a.oc; ++o) {
      const Index sample = bug == LinearBug::kSecondSampleRepeated ? n / 2 * 2 : n;
      const Index features = bug == LinearBug::kTailSkipped ? std::max<Index>(a.ic / 4 * 4, 1) : a.ic;
      float sum = 0;
      for (Index i = 0; i < features; ++i)
        sum += call.floats("src")[sample * a.ic + i] *
               call.floats("weights")[bug == LinearBug::kWeightsTransposed ? i * a.oc + o : o * a.ic + i];
      if (bias != nullptr && !(bug == LinearBug::kBiasLostForOne && a.mb == 1)) sum += bias[o];
      if (bias != nullptr && bug == LinearBug::kBiasTwice) sum += bias[o];
      call.floats("dst")[n * a.oc + o] = sum;
    }
}

void naive_linear(const NaiveCall& call, LinearBug bug) {
  const LinearAttributes a = linear_attributes(call.attributes);
  if (call.pass.is_forward()) return linear_forward(call, a, bug);
  call.zero_outputs();
  const float* diff = call.floats("diff_dst");
  for (Index n = 0; n < a.mb; ++n)
    for (Index o = 0; o < a.oc; ++o) {
      if (call.pass.slot == "bias") {
        if (n == 0 || bug != LinearBug::kBiasGradientOfFirst) call.floats("diff_bias")[o] += diff[n * a.oc + o];
        continue;
      }
      for (Index i = 0; i < a.ic; ++i)
        if (call.pass.slot == "src")
          call.floats("diff_src")[n * a.ic + i] += diff[n * a.oc + o] * call.floats("weights")[o * a.ic + i];
        else
          call.floats("diff_weights")[o * a.ic + i] += diff[n * a.oc + o] * call.floats("src")[n * a.ic + i];
    }
}

Implementation relu(const std::string& name, ReluBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { naive_relu(call, bug); });
}
Implementation linear(const std::string& name, LinearBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { naive_linear(call, bug); });
}

}  // namespace

std::vector<Mutant> relu_mutants() {
  const auto mutant = [](const char* name, ReluBug bug, const char* what, std::vector<std::string> oracles) {
    return Mutant{name, "relu", what, std::move(oracles), relu(name, bug), {}};
  };
  return {
      mutant("gradient-at-zero", ReluBug::kGradientAtZero, "the gradient passes at zero", {"vjp", "exact", "kink"}),
      mutant("nan-to-zero", ReluBug::kNanToZero, "NaN becomes zero", {"special"}),
      mutant("tail-differs-at-nan", ReluBug::kTailDiffersAtNan, "body and tail differ at NaN", {"special"}),
      mutant("last-skipped", ReluBug::kLastSkipped, "the last element is skipped", {"forward", "vjp", "exact"}),
      mutant("negative-zero-lost", ReluBug::kNegativeZeroLost, "-0 becomes +0", {"special"}),
      mutant("stores-past-end", ReluBug::kStoresPastEnd, "full-width store past the end", {"memory"}),
  };
}

std::vector<Mutant> linear_mutants() {
  const auto mutant = [](const char* name, LinearBug bug, const char* what, std::vector<std::string> oracles) {
    return Mutant{name, "linear", what, std::move(oracles), linear(name, bug), {}};
  };
  return {
      mutant("bias-twice", LinearBug::kBiasTwice, "the bias is added twice", {"forward", "exact"}),
      mutant("bias-lost", LinearBug::kBiasLostForOne, "no bias for a batch of one", {"forward", "exact"}),
      mutant("bias-gradient-first", LinearBug::kBiasGradientOfFirst, "bias gradient of the first sample only",
             {"vjp", "fd-direct", "exact"}),
      mutant("weights-transposed", LinearBug::kWeightsTransposed, "weights read as [ic][oc]", {"forward", "exact"}),
      mutant("tail-skipped", LinearBug::kTailSkipped, "features behind the last four are skipped",
             {"forward", "exact"}),
      mutant("sample-repeated", LinearBug::kSecondSampleRepeated, "every other sample repeats the one before",
             {"forward", "exact"}),
  };
}

Mutant healthy_relu() { return {"healthy-relu", "relu", "no bug", {}, relu("healthy", ReluBug::kNone), {}}; }
Mutant healthy_linear() { return {"healthy-linear", "linear", "no bug", {}, linear("healthy", LinearBug::kNone), {}}; }

}  // namespace gradproof
