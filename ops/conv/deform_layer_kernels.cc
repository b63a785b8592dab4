#include "ops/conv/deform_layer_kernels.h"

#include <algorithm>

#include "ops/conv/deform_engine.h"
#include "ops/conv/deform_layer.h"
#include "ops/conv/engine.h"
#include "ops/conv/mask_functions.h"
#include "ops/core/memory.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

// The convolution that estimates offsets and mask.
ConvShape estimate_shape(const DeformConvAttributes& a) {
  return {.mb = a.mb, .ic = a.ic, .oc = estimate_channels(a), .g = 1, .window = a.window};
}

// Offsets are the first channels of an image of the estimate; the mask is dense.
DeformShape sampled_shape(const DeformConvAttributes& a) {
  DeformShape shape = DeformShape::dense(a);
  shape.offset_image = estimate_channels(a) * a.window.out_count();
  return shape;
}

// A pass: the estimate, then deformable sums from it, then, where the gradient of the estimate is wanted, convolution
// sums from that.
class DeformLayerKernel final : public Kernel {
 public:
  DeformLayerKernel(const Case& c, const Pass& pass, int threads)
      : a_(deform_conv_attributes(c.attributes)),
        threads_(threads),
        arguments_(arguments_of(*c.spec, c.attributes, pass)),
        functions_(mask_functions()),
        estimate_sum_(plan_conv_forward(estimate_shape(a_), threads)),
        estimate_(zeroed_floats(a_.mb * estimate_size())),
        mask_(zeroed_floats(a_.mask ? a_.mb * mask_size() : 0)) {
    const DeformShape shape = sampled_shape(a_);
    if (pass.is_forward()) plan(DeformPass::kForward, shape);
    if (pass.slot == "weights") plan(DeformPass::kWeights, shape);
    if (pass.slot == "src") plan(DeformPass::kSrc, shape);
    if (pass.is_forward() || pass.slot == "weights") return;
    plan(DeformPass::kFields, shape);
    diff_estimate_ = zeroed_floats(a_.mb * estimate_size());
    diff_mask_ = zeroed_floats(a_.mask ? a_.mb * mask_size() : 0);
    if (pass.slot == "src") {
      through_ = plan_conv_data_gradient(estimate_shape(a_), threads);
      through_src_ = zeroed_floats(a_.mb * a_.ic * a_.window.in_count());
    } else if (pass.slot == "offset_weights") {
      through_ = plan_conv_weights_gradient(estimate_shape(a_), threads);
    } else {
      through_ = plan_channel_sums(a_.mb, estimate_channels(a_), a_.window.out_count(), threads);
    }
  }

  void run(std::span<const TensorRef> tensors) override {
    const auto at = [&](std::string_view name) {
      const int index = argument_index(arguments_, name);
      return index < 0 ? nullptr : tensors[static_cast<size_t>(index)].floats();
    };
    estimate(at("src"), at("offset_weights"), at("offset_bias"));
    DeformTensors t{.src = at("src"),
                    .offset = estimate_.get(),
                    .mask = a_.mask ? mask_.get() : nullptr,
                    .weights = at("weights"),
                    .bias = at("bias"),
                    .diff_dst = at("diff_dst"),
                    .dst = at("dst"),
                    .diff_src = at("diff_src"),
                    .diff_offset = diff_estimate_.get(),
                    .diff_mask = a_.mask ? diff_mask_.get() : nullptr,
                    .diff_weights = at("diff_weights")};
    for (const auto& sum : sums_) sum->run(t);
    if (through_ == nullptr) return;
    if (a_.mask) mask_gradient();
    if (float* out = at("diff_offset_weights")) through_->run(t.src, diff_estimate_.get(), nullptr, out);
    if (float* out = at("diff_offset_bias")) through_->run(diff_estimate_.get(), nullptr, nullptr, out);
    if (t.diff_src != nullptr) add_through(at("offset_weights"), t.diff_src);
  }

  std::string isa() const override { return estimate_sum_->isa(); }

 private:
  Index estimate_size() const { return estimate_channels(a_) * a_.window.out_count(); }
  Index mask_size() const { return a_.mask_channels() * a_.window.out_count(); }
  // Of the mask within an image of the estimate.
  Index mask_start() const { return a_.offset_channels() * a_.window.out_count(); }

  void plan(DeformPass pass, const DeformShape& shape) { sums_.push_back(plan_deform(shape, pass, threads_)); }

  void estimate(const float* src, const float* weights, const float* bias) {
    estimate_sum_->run(src, weights, bias, estimate_.get());
    if (!a_.mask) return;
    parallel_tiles(threads_, a_.mb, [&](Index n) {
      functions_.sigmoid(mask_size(), estimate_.get() + n * estimate_size() + mask_start(),
                         mask_.get() + n * mask_size());
    });
  }

  void mask_gradient() {
    parallel_tiles(threads_, a_.mb, [&](Index n) {
      functions_.gradient(mask_size(), mask_.get() + n * mask_size(), diff_mask_.get() + n * mask_size(),
                          diff_estimate_.get() + n * estimate_size() + mask_start());
    });
  }

  void add_through(const float* offset_weights, float* diff_src) {
    through_->run(diff_estimate_.get(), offset_weights, nullptr, through_src_.get());
    const Index size = a_.ic * a_.window.in_count();
    parallel_tiles(threads_, a_.mb,
                   [&](Index n) { functions_.add(size, through_src_.get() + n * size, diff_src + n * size); });
  }

  DeformConvAttributes a_;
  int threads_;
  std::vector<Argument> arguments_;
  MaskFunctions functions_;
  std::unique_ptr<ConvSum> estimate_sum_, through_;
  std::vector<std::unique_ptr<DeformSum>> sums_;
  AlignedMemory<float> estimate_, mask_, diff_estimate_, diff_mask_, through_src_;
};

std::optional<std::string> deform_layer_unsupported(const Case& c, const Pass&) {
  const DeformConvAttributes a = deform_conv_attributes(c.attributes);
  if (auto reason = conv_engine_limit(estimate_shape(a))) return reason;
  return deform_engine_limit(a);
}

std::unique_ptr<Kernel> prepare_deform_layer(const Case& c, const Pass& pass, const PrepareOptions& options) {
  if (pass.slot != "bias") return std::make_unique<DeformLayerKernel>(c, pass, options.threads);
  const DeformConvAttributes a = deform_conv_attributes(c.attributes);
  return make_conv_kernel(plan_channel_sums(a.mb, a.oc, a.window.out_count(), options.threads),
                          arguments_of(*c.spec, c.attributes, pass), {"diff_dst", "", "", "diff_bias"});
}

double deform_layer_kernel_depth(const Case& c, const Pass& pass, std::string_view tensor) {
  const DeformConvAttributes a = deform_conv_attributes(c.attributes);
  const ConvShape shape = estimate_shape(a);
  const FieldDepths fields = layer_field_depths(conv_forward_depth(shape));
  if (pass.slot == "bias") return channel_sums_depth();
  if (pass.is_forward()) return deform_engine_depth(a, "dst", fields) + (a.bias ? 1 : 0);
  if (pass.slot == "weights") return deform_engine_depth(a, tensor, fields);
  const double estimate = layer_gradient_depth(a, deform_engine_depth(a, "diff_offset", fields),
                                               deform_engine_depth(a, "diff_mask", fields), fields);
  if (pass.slot == "offset_weights") return estimate + conv_weights_gradient_depth(shape);
  if (pass.slot == "offset_bias") return estimate + channel_sums_depth();
  return std::max(deform_engine_depth(a, "diff_src", fields), estimate + conv_data_gradient_depth(shape)) + 1;
}

}  // namespace

std::vector<Implementation> deform_layer_simd_implementations() {
  return simd_implementations({deform_layer_unsupported, prepare_deform_layer, deform_layer_kernel_depth});
}

}  // namespace gradproof
