// Wrong deformable layers: the composition of a convolution and a deformable convolution, gone wrong at a joint.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/deform_engine.h"
#include "ops/conv/deform_layer.h"
#include "ops/conv/engine.h"

namespace gradproof {
namespace {

enum class DeformLayerBug {
  kNone,
  kOffsetsHeldFixed,
  kSlopeOfSigmoidMissing,
  kMaskNotSquashed,
  kMaskChannelsFirst,
  kOffsetBiasLost,
};

using Numbers = std::vector<float>;

class ComposedLayer {
 public:
  ComposedLayer(const NaiveCall& call, DeformLayerBug bug)
      : call_(call),
        bug_(bug),
        a_(deform_conv_attributes(call.attributes)),
        pixels_(a_.window.out_count()),
        conv_{.mb = a_.mb, .ic = a_.ic, .oc = estimate_channels(a_), .g = 1, .window = a_.window},
        offset_(count(a_.mb * a_.offset_channels() * pixels_)),
        mask_(count(a_.mask ? a_.mb * a_.mask_channels() * pixels_ : 0)) {}

  void run() {
    if (call_.pass.slot == "bias") {
      plan_channel_sums(a_.mb, a_.oc, pixels_, 1)->run(at("diff_dst"), nullptr, nullptr, at("diff_bias"));
      return;
    }
    estimate();
    if (call_.pass.is_forward()) return deform(DeformPass::kForward);
    if (call_.pass.slot == "weights") return deform(DeformPass::kWeights);
    if (call_.pass.slot == "src") deform(DeformPass::kSrc);
    Numbers gradient = estimate_gradient();
    if (call_.pass.slot == "src")
      add_through(gradient);
    else if (call_.pass.slot == "offset_weights")
      plan_conv_weights_gradient(conv_, 1)->run(at("src"), gradient.data(), nullptr, at("diff_offset_weights"));
    else
      plan_channel_sums(a_.mb, conv_.oc, pixels_, 1)->run(gradient.data(), nullptr, nullptr, at("diff_offset_bias"));
  }

 private:
  static size_t count(Index elements) { return static_cast<size_t>(elements); }
  bool is(DeformLayerBug bug) const { return bug_ == bug; }
  float* at(std::string_view name) const { return call_.floats(name); }

  // Calls visit(element of the estimate, element of the offsets or the mask, whether it is the mask).
  template <class Visit>
  void for_each_estimate(Visit visit) const {
    const Index offsets = a_.offset_channels(), masks = a_.mask ? a_.mask_channels() : 0;
    for (Index n = 0; n < a_.mb; ++n)
      for (Index f = 0; f < conv_.oc; ++f) {
        const bool first = is(DeformLayerBug::kMaskChannelsFirst);
        const bool is_mask = first ? f < masks : f >= offsets;
        const Index channel = is_mask ? (first ? f : f - offsets) : (first ? f - masks : f);
        for (Index p = 0; p < pixels_; ++p)
          visit((n * conv_.oc + f) * pixels_ + p, count((n * (is_mask ? masks : offsets) + channel) * pixels_ + p),
                is_mask);
      }
  }

  void estimate() {
    Numbers estimates(count(a_.mb * conv_.oc * pixels_));
    plan_conv_forward(conv_, 1)->run(at("src"), at("offset_weights"),
                                     is(DeformLayerBug::kOffsetBiasLost) ? nullptr : at("offset_bias"),
                                     estimates.data());
    for_each_estimate([&](Index from, size_t to, bool is_mask) {
      const float x = estimates[count(from)];
      if (!is_mask)
        offset_[to] = x;
      else
        mask_[to] = is(DeformLayerBug::kMaskNotSquashed) ? x : sigmoid(x);
    });
  }

  static float sigmoid(float x) {
    const float power = std::exp(-std::abs(x));
    return (x < 0 ? power : 1) / (1 + power);
  }

  DeformTensors tensors() {
    return {.src = at("src"),
            .offset = offset_.data(),
            .mask = a_.mask ? mask_.data() : nullptr,
            .weights = at("weights"),
            .bias = at("bias"),
            .diff_dst = at("diff_dst"),
            .dst = at("dst"),
            .diff_src = at("diff_src"),
            .diff_weights = at("diff_weights")};
  }
  void deform(DeformPass pass) { plan_deform(DeformShape::dense(a_), pass, 1)->run(tensors()); }

  Numbers estimate_gradient() {
    Numbers diff_offset(offset_.size()), diff_mask(mask_.size()), result(count(a_.mb * conv_.oc * pixels_));
    DeformTensors t = tensors();
    t.diff_offset = diff_offset.data();
    t.diff_mask = a_.mask ? diff_mask.data() : nullptr;
    plan_deform(DeformShape::dense(a_), DeformPass::kFields, 1)->run(t);
    for_each_estimate([&](Index to, size_t from, bool is_mask) {
      if (!is_mask)
        result[count(to)] = diff_offset[from];
      else
        result[count(to)] =
            diff_mask[from] * (is(DeformLayerBug::kSlopeOfSigmoidMissing) ? 1 : mask_[from] * (1 - mask_[from]));
    });
    return result;
  }

  void add_through(const Numbers& gradient) {
    if (is(DeformLayerBug::kOffsetsHeldFixed)) return;
    Numbers through(count(call_.count("diff_src")));
    plan_conv_data_gradient(conv_, 1)->run(gradient.data(), at("offset_weights"), nullptr, through.data());
    for (size_t i = 0; i < through.size(); ++i) at("diff_src")[i] += through[i];
  }

  const NaiveCall& call_;
  DeformLayerBug bug_;
  DeformConvAttributes a_;
  Index pixels_;
  ConvShape conv_;
  Numbers offset_, mask_;
};

Implementation composed(const std::string& name, DeformLayerBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { ComposedLayer(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> deform_layer_mutants() {
  struct Row {
    const char* name;
    DeformLayerBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> gradients{"vjp", "fd-direct"};
  const std::vector<std::string> everywhere{"forward", "vjp", "fd-direct"};
  const std::vector<Row> rows{
      {"offsets-held-fixed", DeformLayerBug::kOffsetsHeldFixed, "src gradient without the path through the offsets",
       gradients},
      {"sigmoid-slope-missing", DeformLayerBug::kSlopeOfSigmoidMissing, "mask gradient not taken through the sigmoid",
       gradients},
      {"mask-not-squashed", DeformLayerBug::kMaskNotSquashed, "mask without its sigmoid", everywhere},
      {"mask-channels-first", DeformLayerBug::kMaskChannelsFirst, "channels of the mask before the offsets",
       everywhere},
      {"offset-bias-lost", DeformLayerBug::kOffsetBiasLost, "bias of the estimate left out", everywhere},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "deform_layer", row.what, row.oracles, composed(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_deform_layer() {
  return {"healthy-deform-layer", "deform_layer", "no bug", {}, composed("healthy", DeformLayerBug::kNone), {}};
}

}  // namespace gradproof
