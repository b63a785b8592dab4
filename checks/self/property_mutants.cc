// Kernels that break a property: the optimized ones, and something done to what they have written.
#include <algorithm>
#include <functional>
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/register.h"

namespace gradproof {
namespace {

const Implementation& optimized(const std::string& operation) {
  static const Registry operations = register_operations();
  return operations.find(operation).implementation("simd");
}

using Spoil = std::function<void(const NaiveCall&)>;

class SpoiledKernel final : public Kernel {
 public:
  SpoiledKernel(const Implementation& right, const Case& c, const Pass& pass, const PrepareOptions& options,
                Spoil spoil)
      : right_(right.prepare(c, pass, options)),
        case_(c),
        pass_(pass),
        threads_(options.threads),
        arguments_(arguments_of(*c.spec, c.attributes, pass)),
        spoil_(std::move(spoil)) {}

  void run(std::span<const TensorRef> tensors) override {
    right_->run(tensors);
    spoil_({case_.attributes, pass_, threads_, arguments_, tensors});
  }
  std::string isa() const override { return right_->isa(); }

 private:
  std::unique_ptr<Kernel> right_;
  Case case_;
  Pass pass_;
  int threads_;
  std::vector<Argument> arguments_;
  Spoil spoil_;
};

Implementation spoiled(const std::string& operation, const Spoil& spoil) {
  Implementation wrong = optimized(operation);
  wrong.name = "spoiled";
  wrong.prepare = [operation, spoil](const Case& c, const Pass& pass,
                                     const PrepareOptions& options) -> std::unique_ptr<Kernel> {
    return std::make_unique<SpoiledKernel>(optimized(operation), c, pass, options, spoil);
  };
  return wrong;
}

// Calls change(element, position) for every element of an argument, where the pass has it.
template <class Change>
void change_each(const NaiveCall& call, std::string_view name, Change change) {
  const TensorRef* tensor = call.tensor(name);
  if (tensor == nullptr) return;
  for (Index i = 0; i < element_count(tensor->shape); ++i) change(tensor->floats()[i], position_of(i, tensor->shape));
}

float first_of(const NaiveCall& call, std::string_view name) {
  return call.floats(name) == nullptr ? 0 : *call.floats(name);
}

void odd_columns_are_louder(const NaiveCall& call) {
  change_each(call, "dst", [](float& x, const Position& p) { x *= p[3] % 2 == 0 ? 1.0F : 1.5F; });
}
void last_row_is_lost(const NaiveCall& call) {
  change_each(call, "dst", [&](float& x, const Position& p) {
    if (p[2] == call.tensor("dst")->shape[2] - 1) x = 0;
  });
}
void gradient_is_lost_at_the_left(const NaiveCall& call) {
  change_each(call, "diff_src", [](float& x, const Position& p) { x *= p[3] == 0 ? 0.0F : 1.0F; });
}
void first_use_is_lost(const NaiveCall& call) {
  change_each(call, "diff_weights", [](float& x, const Position& p) { x *= p[4] == 0 && p[5] == 0 ? 0.0F : 1.0F; });
}
void last_feature_is_lost(const NaiveCall& call) {
  change_each(call, "dst",
              [&](float& x, const Position& p) { x *= p[1] == call.tensor("dst")->shape[1] - 1 ? 0.0F : 1.0F; });
}
void groups_see_all_channels(const NaiveCall& call) {
  change_each(call, "dst", [&](float& x, const Position&) { x *= static_cast<float>(call.attributes.integer("g")); });
}
void gaps_are_not_empty(const NaiveCall& call) {
  if (call.attributes.integer("dh") == 1) return;
  change_each(call, "dst", [&](float& x, const Position&) { x += first_of(call, "src"); });
}
void channels_leak(const NaiveCall& call) {
  const TensorRef* src = call.tensor("src");
  if (!call.pass.is_forward()) return;
  const float second_channel = src->floats()[element_count(src->shape) / (src->shape[0] * src->shape[1])];
  change_each(call, "dst", [&](float& x, const Position& p) { x += p[1] == 0 ? 0.001F * second_channel : 0; });
}
void takes_the_first(const NaiveCall& call) {
  if (call.attributes.integer("kh") != 2) return;
  const TensorRef* src = call.tensor("src");
  change_each(call, "dst", [&](float& x, const Position& p) {
    x = static_cast<float>(src->value_at({p[0], p[1], 2 * p[2], 2 * p[3]}));
  });
}
void neighbours_share(const NaiveCall& call) {
  float* gradient = call.floats("diff_src");
  if (gradient == nullptr) return;
  for (Index i = call.count("diff_src") - 1; i > 0; --i) {
    gradient[i] = (gradient[i] + gradient[i - 1]) / 2;
  }
}
void last_sample_leaks(const NaiveCall& call) {
  if (!call.pass.is_forward()) return;
  const float last = call.floats("src")[call.count("src") - 1];
  change_each(call, "dst", [&](float& x, const Position& p) { x += p[0] == 0 ? 0.001F * last : 0; });
}
void spread_is_a_little_larger(const NaiveCall& call) {
  change_each(call, "dst", [](float& x, const Position&) { x *= 1.0001F; });
}
void gradient_keeps_a_mean(const NaiveCall& call) {
  change_each(call, "diff_src", [](float& x, const Position&) { x += 0.001F; });
}
void wide_images_are_cut(const NaiveCall& call) {
  if (call.attributes.integer("iw") < 16) return;
  change_each(call, "dst", [](float& x, const Position&) { x *= 0.5F; });
}
void maps_have_no_bias(const NaiveCall& call) {
  if (!call.attributes.flag("maps")) return;
  change_each(call, "dst", [&](float& x, const Position& p) { x -= call.floats("linear_bias")[p[1]]; });
}
void climbs(const NaiveCall& call) {
  for (size_t k = 0; k < call.arguments.size(); ++k)
    if (!call.pass.is_forward() && call.arguments[k].written)
      change_each(call, call.arguments[k].name, [](float& x, const Position&) { x = -x; });
}
void coordinates_do_not_learn(const NaiveCall& call) {
  change_each(call, "diff_conv1_weights", [](float& x, const Position&) { x = 0; });
  change_each(call, "diff_conv2_weights", [](float& x, const Position&) { x = 0; });
}
void mean_is_not_divided_by_samples(const NaiveCall& call) {
  change_each(call, "mean", [&](float& x, const Position&) { x *= static_cast<float>(call.attributes.integer("mb")); });
}

}  // namespace

std::vector<Mutant> property_mutants() {
  const auto breaks = [](const char* property, const char* operation, const char* name, const char* what,
                         const Spoil& spoil) {
    return Mutant{name, operation, what, {"property"}, spoiled(operation, spoil), {}, property};
  };
  return {
      breaks("conv-commutes-with-translation", "conv", "loud-columns", "odd columns of dst are louder",
             odd_columns_are_louder),
      breaks("conv-backward-is-flipped-conv", "conv", "dark-edge", "the first column of diff_src gets nothing",
             gradient_is_lost_at_the_left),
      breaks("conv-transpose-is-conv-of-inserted-zeros", "conv_transpose", "last-row-lost", "the last row of dst is 0",
             last_row_is_lost),
      breaks("shared-weights-receive-the-sum", "local_conv", "first-use-lost",
             "the weights of the first position get no gradient", first_use_is_lost),
      breaks("pointwise-conv-is-linear", "linear", "last-feature-lost", "the last feature of dst is 0",
             last_feature_is_lost),
      breaks("separable-conv-is-conv-of-rank-1", "separable_conv", "loud-columns-too", "odd columns of dst are louder",
             odd_columns_are_louder),
      breaks("dilation-is-a-larger-kernel", "conv", "gaps-filled", "the gaps of a dilated kernel hold weights",
             gaps_are_not_empty),
      breaks("cheaper-forms-save-as-stated", "conv", "groups-see-all", "a group sums over the channels of all groups",
             groups_see_all_channels),
      breaks("conv-transpose-is-the-data-gradient", "conv_transpose", "odd-columns-louder",
             "odd columns of dst are louder", odd_columns_are_louder),
      breaks("coord-conv-is-conv-with-coordinates", "coord_conv", "lower-edge-lost", "the last row of dst is 0",
             last_row_is_lost),
      breaks("deform-conv-without-offsets-is-conv", "deform_conv", "lower-edge-lost", "the last row of dst is 0",
             last_row_is_lost),
      breaks("depthwise-separable-conv-is-two-convs", "depthwise_separable_conv", "odd-columns-louder",
             "odd columns of dst are louder", odd_columns_are_louder),
      breaks("cross-entropy-picks-from-log-softmax", "softmax_cross_entropy", "a-little-more",
             "losses are larger by a ten thousandth", spread_is_a_little_larger),
      breaks("pooling-keeps-channels-apart", "lp_pool", "channels-leak",
             "the second channel enters a thousandth into the first", channels_leak),
      breaks("max-pool-ignores-small-shifts", "max_pool", "takes-the-first",
             "takes the first element of a window for its maximum", takes_the_first),
      breaks("max-routing-has-one-receiver", "max_pool", "neighbours-share", "neighbours share a cotangent",
             neighbours_share),
      breaks("only-batch-norm-depends-on-the-batch", "group_norm", "last-sample-leaks",
             "the last sample enters a thousandth into the first", last_sample_leaks),
      breaks("group-norm-has-special-cases", "layer_norm", "spread-larger", "dst is larger by a ten thousandth",
             spread_is_a_little_larger),
      breaks("batch-norm-gradient-is-orthogonal", "batch_norm", "mean-left", "diff_src keeps a mean of a thousandth",
             gradient_keeps_a_mean),
      breaks("gap-net-takes-any-size", "gap_net", "wide-images-cut", "of wide images one half is seen",
             wide_images_are_cut),
      breaks("class-activation-maps-average-to-scores", "gap_net", "maps-without-bias", "maps lack the bias",
             maps_have_no_bias),
      breaks("lenet5-learns-digits", "lenet5", "climbs", "gradients have the wrong sign", climbs),
      breaks("class-activation-maps-find-objects", "gap_net", "climbs", "gradients have the wrong sign", climbs),
      breaks("coordinates-need-coord-conv", "coord_regressor", "convs-do-not-learn",
             "the weights of the convolutions get no gradient", coordinates_do_not_learn),
      breaks("small-batches-have-bad-statistics", "batch_norm", "sum-for-mean",
             "the mean of a batch is the sum of its samples' means", mean_is_not_divided_by_samples),
  };
}

}  // namespace gradproof
