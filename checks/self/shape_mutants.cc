// Wrong flattening, reshaping, adding, joining and dropping.
#include <functional>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/shape/dropout.h"
#include "ops/shape/features.h"

namespace gradproof {
namespace {

enum class ReshapeBug { kNone, kChannelsLast, kGradientChannelsLast, kSamplesReversed, kLastLost };

// Row-major number `i` of a sample, as if channels were the last axis.
Index channels_last(Index i, Index channels, Index space) { return i % space * channels + i / space; }

void naive_reshape(const NaiveCall& call, ReshapeBug bug) {
  const Index samples = call.attributes.integer("mb"), channels = call.attributes.integer("c");
  const Index space = feature_space(call.attributes), each = channels * space;
  const float* from = call.floats(call.pass.is_forward() ? "src" : "diff_dst");
  float* to = call.floats(call.pass.is_forward() ? "dst" : "diff_src");
  const bool last = bug == (call.pass.is_forward() ? ReshapeBug::kChannelsLast : ReshapeBug::kGradientChannelsLast);
  for (Index n = 0; n < samples; ++n)
    for (Index i = 0; i < each; ++i) {
      if (bug == ReshapeBug::kLastLost && i == each - 1) continue;
      const Index sample = bug == ReshapeBug::kSamplesReversed ? samples - 1 - n : n;
      to[n * each + (last ? channels_last(i, channels, space) : i)] = from[sample * each + i];
    }
}

enum class AddBug {
  kNone,
  kRepeatedAsTail,
  kNotSummed,
  kAveraged,
  kBatchNotSummed,
  kLastSkipped,
  kSourceGradientZero,
};

// Calls f(number in src, number in other) for all elements.
void for_each_sum(const NaiveCall& call, const std::function<void(Index, Index)>& f) {
  const Shape shape = feature_shape(call.attributes), other = call.tensor("other")->shape;
  for (Index i = 0; i < element_count(shape); ++i) {
    Position p = position_of(i, shape);
    for (int axis = 0; axis < p.rank(); ++axis) p[axis] %= other[axis];
    f(i, linear_of(p, other));
  }
}

void naive_add(const NaiveCall& call, AddBug bug) {
  const Index count = feature_count(call.attributes), others = call.count("other");
  if (call.pass.is_forward()) {
    for_each_sum(call, [&](Index i, Index k) {
      if (bug == AddBug::kLastSkipped && i == count - 1) k = 0;
      call.floats("dst")[i] =
          call.floats("src")[i] + call.floats("other")[bug == AddBug::kRepeatedAsTail ? i % others : k];
    });
    return;
  }
  const float* diff_dst = call.floats("diff_dst");
  if (call.pass.slot == "src") {
    for (Index i = 0; i < count; ++i)
      call.floats("diff_src")[i] = bug == AddBug::kSourceGradientZero ? 0.0F : diff_dst[i];
    return;
  }
  std::vector<double> sums(static_cast<size_t>(others), -0.0);  // to which -0 adds up to -0
  const Index sample = count / call.attributes.integer("mb");
  for_each_sum(call, [&](Index i, Index k) {
    double& sum = sums[static_cast<size_t>(k)];
    if (bug == AddBug::kBatchNotSummed && i >= sample && call.attributes.flag("bn")) return;
    sum = (bug == AddBug::kNotSummed ? 0 : sum) + static_cast<double>(diff_dst[i]);
  });
  for (Index k = 0; k < others; ++k) {
    const double sum = sums[static_cast<size_t>(k)];
    const bool averaged = bug == AddBug::kAveraged;
    call.floats("diff_other")[k] = static_cast<float>(averaged ? sum / static_cast<double>(count / others) : sum);
  }
}

enum class ConcatBug { kNone, kGradientsSwapped, kOtherFirst, kBatchesJoined, kOffsetOfOther };

void naive_concat(const NaiveCall& call, ConcatBug bug) {
  const Index samples = call.attributes.integer("mb"), space = feature_space(call.attributes);
  const Index src = call.attributes.integer("c") * space, other = call.attributes.integer("c2") * space;
  const bool swapped =
      bug == ConcatBug::kOtherFirst || (bug == ConcatBug::kGradientsSwapped && !call.pass.is_forward());
  const Index src_at = swapped ? other : 0, other_at = swapped ? 0 : bug == ConcatBug::kOffsetOfOther ? other : src;
  const auto copy = [&](const char* name, Index first, Index length, Index all_before) {
    const std::string gradient = std::string("diff_") + name;
    for (Index n = 0; n < samples; ++n)
      for (Index i = 0; i < length; ++i) {
        const Index joined = bug == ConcatBug::kBatchesJoined
                                 ? all_before + n * length + i
                                 : std::min(n * (src + other) + first + i, samples * (src + other) - 1);
        if (call.pass.is_forward())
          call.floats("dst")[joined] = call.floats(name)[n * length + i];
        else
          call.floats(gradient)[n * length + i] = call.floats("diff_dst")[joined];
      }
  };
  if (call.pass.slot != "other") copy("src", src_at, src, 0);
  if (call.pass.slot != "src") copy("other", other_at, other, samples * src);
}

enum class DropoutBug {
  kNone,
  kNotScaled,
  kScaledByP,
  kOtherMaskBack,
  kMaskOfSample,
  kDropsTheKept,
  kDropsInInference,
  kTimesZero,
};

bool is_kept(const DropoutAttributes& a, Index i) {
  auto hash = static_cast<std::uint32_t>(i) + a.keys[0];
  hash = (hash ^ (hash >> 16)) * 0x21F0AAADU;
  hash = ((hash ^ (hash >> 15)) + a.keys[1]) * 0x735A2D97U;
  return ((hash ^ (hash >> 15)) >> 8) >= a.threshold;
}

void naive_dropout(const NaiveCall& call, DropoutBug bug) {
  const DropoutAttributes a = dropout_attributes(call.attributes);
  const float* from = call.floats(call.pass.is_forward() ? "src" : "diff_dst");
  float* to = call.floats(call.pass.is_forward() ? "dst" : "diff_src");
  const Index sample = a.count / call.attributes.integer("mb");
  const double factor = bug == DropoutBug::kNotScaled ? 1 : 1 / (bug == DropoutBug::kScaledByP ? a.p : 1 - a.p);
  for (Index i = 0; i < a.count; ++i) {
    Index place = bug == DropoutBug::kMaskOfSample ? i % sample : i;
    if (bug == DropoutBug::kOtherMaskBack && !call.pass.is_forward()) ++place;
    const bool kept = is_kept(a, place) != (bug == DropoutBug::kDropsTheKept);
    const auto scaled = static_cast<float>(static_cast<double>(from[i]) * factor);
    const float dropped = bug == DropoutBug::kTimesZero ? from[i] * 0.0F : 0.0F;
    if (a.training)
      to[i] = kept ? scaled : dropped;
    else
      to[i] = bug == DropoutBug::kDropsInInference && !kept ? 0.0F : from[i];
  }
}

template <class Bug>
struct ShapeBugRow {
  const char* name;
  Bug bug;
  const char* what;
  std::vector<std::string> oracles;
};

template <class Bug>
Mutant shape_mutant(const std::string& operation, void (*run)(const NaiveCall&, Bug), const ShapeBugRow<Bug>& row) {
  return {row.name,
          operation,
          row.what,
          row.oracles,
          naive_implementation(row.name, [run, bug = row.bug](const NaiveCall& call) { run(call, bug); }),
          {}};
}

template <class Bug>
void append_mutants(std::vector<Mutant>& mutants, const std::string& operation, void (*run)(const NaiveCall&, Bug),
                    const std::vector<ShapeBugRow<Bug>>& rows) {
  for (const auto& row : rows) mutants.push_back(shape_mutant(operation, run, row));
}

template <class Bug>
Mutant healthy_shape(const std::string& operation, void (*run)(const NaiveCall&, Bug)) {
  return shape_mutant<Bug>(operation, run, {"healthy", Bug::kNone, "no bug", {}});
}

}  // namespace

std::vector<Mutant> shape_mutants() {
  std::vector<Mutant> mutants;
  append_mutants<ReshapeBug>(mutants, "flatten", naive_reshape,
                             {{"channels-last",
                               ReshapeBug::kChannelsLast,
                               "channels become the last axis [TensorFlow's order]",
                               {"forward", "exact"}},
                              {"gradient-channels-last",
                               ReshapeBug::kGradientChannelsLast,
                               "the gradient takes channels for the last axis",
                               {"vjp", "fd-direct", "exact"}}});
  append_mutants<ReshapeBug>(
      mutants, "reshape", naive_reshape,
      {{"samples-reversed", ReshapeBug::kSamplesReversed, "samples in reverse", {"forward", "vjp", "exact"}},
       {"last-lost",
        ReshapeBug::kLastLost,
        "the last element of a sample is not written",
        {"forward", "vjp", "exact", "memory"}}});
  append_mutants<AddBug>(
      mutants, "add", naive_add,
      {{"repeated-as-tail",
        AddBug::kRepeatedAsTail,
        "what is repeated is taken for the innermost axes",
        {"forward", "exact"}},
       {"not-summed",
        AddBug::kNotSummed,
        "the gradient of what is repeated is that of its last use",
        {"vjp", "fd-direct", "exact"}},
       {"averaged", AddBug::kAveraged, "the gradient of what is repeated is averaged", {"vjp", "fd-direct", "exact"}},
       {"batch-not-summed",
        AddBug::kBatchNotSummed,
        "the gradient is summed over space, but not over the batch",
        {"vjp", "fd-direct", "exact"}},
       {"last-skipped", AddBug::kLastSkipped, "the last element gets another addend", {"forward", "exact"}},
       {"source-gradient-zero",
        AddBug::kSourceGradientZero,
        "the residual branch has no gradient",
        {"vjp", "fd-direct", "exact"}}});
  append_mutants<ConcatBug>(
      mutants, "concat", naive_concat,
      {{"gradients-swapped",
        ConcatBug::kGradientsSwapped,
        "gradients are split as if other came first",
        {"vjp", "fd-direct", "exact"}},
       {"other-first", ConcatBug::kOtherFirst, "other comes first", {"forward", "vjp", "exact"}},
       {"batches-joined", ConcatBug::kBatchesJoined, "joined along the batch", {"forward", "vjp", "exact"}},
       {"offset-of-other",
        ConcatBug::kOffsetOfOther,
        "other starts behind as many channels as it has itself",
        {"forward", "vjp", "exact"}}});
  append_mutants<DropoutBug>(
      mutants, "dropout", naive_dropout,
      {{"not-scaled", DropoutBug::kNotScaled, "what is kept is not scaled", {"forward", "vjp", "fd-direct"}},
       {"scaled-by-p", DropoutBug::kScaledByP, "scaled by 1/p for 1/(1-p)", {"forward", "vjp", "fd-direct"}},
       {"other-mask-back", DropoutBug::kOtherMaskBack, "the gradient has another mask", {"vjp", "fd-direct"}},
       {"mask-of-sample", DropoutBug::kMaskOfSample, "all samples have the same mask", {"forward", "vjp"}},
       {"drops-the-kept", DropoutBug::kDropsTheKept, "1 - p for p", {"forward", "vjp"}},
       {"drops-in-inference",
        DropoutBug::kDropsInInference,
        "elements are dropped in inference",
        {"forward", "vjp", "fd-direct"}},
       {"times-zero", DropoutBug::kTimesZero, "NaN that is dropped stays NaN", {"special"}}});
  return mutants;
}

std::vector<Mutant> healthy_shapes() {
  return {healthy_shape("flatten", naive_reshape), healthy_shape("reshape", naive_reshape),
          healthy_shape("add", naive_add), healthy_shape("concat", naive_concat),
          healthy_shape("dropout", naive_dropout)};
}

}  // namespace gradproof
