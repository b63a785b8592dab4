// batch_norm by oneDNN's batch normalization. It computes and takes mean and variance; rstd and the running statistics
// are made from them here, one number a channel, as part of run().
#include <cmath>

#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

using dnnl::normalization_flags;
using dnnl::prop_kind;

struct BatchNormalization {
  explicit BatchNormalization(const Case& c)
      : training(c.attributes.flag("training")),
        affine(c.attributes.flag("affine")),
        eps(c.attributes.real("eps")),
        momentum(c.attributes.real("momentum")) {
    const Index mb = c.attributes.integer("mb"), channels = c.attributes.integer("c");
    data = dims_of(spatial_shape(c.attributes, mb, channels));
    statistics = {channels};
    count = static_cast<double>(mb * window_of(c.attributes).in_count());
  }

  normalization_flags flags() const {
    auto bits = normalization_flags::none;
    if (affine) bits |= normalization_flags::use_scale | normalization_flags::use_shift;
    if (!training) bits |= normalization_flags::use_global_stats;
    return bits;
  }

  dnnl::batch_normalization_forward::primitive_desc forward(Layout layout) const {
    const prop_kind kind = training ? prop_kind::forward_training : prop_kind::forward_inference;
    return {{kind, channels_desc(data, layout), static_cast<float>(eps), flags()}, engine()};
  }
  // With a scale, oneDNN computes all gradients or none.
  dnnl::primitive_desc gradient(Layout layout) const {
    const prop_kind kind = affine ? prop_kind::backward : prop_kind::backward_data;
    const memory::desc d = channels_desc(data, layout);
    const dnnl::batch_normalization_forward::primitive_desc hint(
        {prop_kind::forward_training, d, static_cast<float>(eps), flags()}, engine());
    return dnnl::batch_normalization_backward::primitive_desc({kind, d, d, static_cast<float>(eps), flags()}, engine(),
                                                              hint);
  }

  bool training, affine;
  double eps, momentum, count;
  memory::dims data, statistics;
};

Problem batch_norm_forward_problem(const BatchNormalization& norm) {
  Problem problem;
  problem.tensors = {{"src", DNNL_ARG_SRC, norm.data},
                     {"dst", DNNL_ARG_DST, norm.data},
                     {norm.training ? "mean" : "running_mean", DNNL_ARG_MEAN, norm.statistics},
                     {norm.training ? "variance" : "running_var", DNNL_ARG_VARIANCE, norm.statistics}};
  if (norm.affine) {
    problem.tensors.push_back({"gamma", DNNL_ARG_SCALE, norm.statistics});
    problem.tensors.push_back({"beta", DNNL_ARG_SHIFT, norm.statistics});
  }
  problem.describe = [norm](Layout layout) { return norm.forward(layout); };
  if (!norm.training) return problem;
  problem.after = [norm](const Values& values) {
    const float *mean = values("mean"), *variance = values("variance");
    const float *old_mean = values("running_mean"), *old_variance = values("running_var");
    float *new_mean = values("new_running_mean"), *new_variance = values("new_running_var"), *rstd = values("rstd");
    const double keep = 1 - norm.momentum, unbiased = norm.count / (norm.count - 1);
    for (Index c = 0; c < norm.statistics[0]; ++c) {
      rstd[c] = static_cast<float>(1 / std::sqrt(double{variance[c]} + norm.eps));
      new_mean[c] = static_cast<float>(keep * double{old_mean[c]} + norm.momentum * double{mean[c]});
      new_variance[c] =
          static_cast<float>(keep * double{old_variance[c]} + norm.momentum * unbiased * double{variance[c]});
    }
  };
  return problem;
}

Problem batch_norm_gradient_problem(const BatchNormalization& norm) {
  Problem problem;
  problem.tensors = {{"src", DNNL_ARG_SRC, norm.data},
                     {"diff_dst", DNNL_ARG_DIFF_DST, norm.data},
                     {"diff_src", DNNL_ARG_DIFF_SRC, norm.data},
                     {norm.training ? "mean" : "running_mean", DNNL_ARG_MEAN, norm.statistics},
                     {norm.training ? "variance" : "running_var", DNNL_ARG_VARIANCE, norm.statistics}};
  if (norm.affine) {  // diff_gamma and diff_beta are buffers of the plan where the pass does not ask for them
    problem.tensors.push_back({"gamma", DNNL_ARG_SCALE, norm.statistics});
    problem.tensors.push_back({"beta", DNNL_ARG_SHIFT, norm.statistics});
    problem.tensors.push_back({"diff_gamma", DNNL_ARG_DIFF_SCALE, norm.statistics});
    problem.tensors.push_back({"diff_beta", DNNL_ARG_DIFF_SHIFT, norm.statistics});
  }
  problem.describe = [norm](Layout layout) { return norm.gradient(layout); };
  if (!norm.training) return problem;
  problem.before = [norm](const Values& values) {
    const float* rstd = values("rstd");
    float* variance = values("variance");
    for (Index c = 0; c < norm.statistics[0]; ++c)
      variance[c] = static_cast<float>(1 / (double{rstd[c]} * double{rstd[c]}) - norm.eps);
  };
  return problem;
}

Problem batch_norm_problem(const Case& c, const Pass& pass) {
  const BatchNormalization norm(c);
  if (pass.is_forward()) return batch_norm_forward_problem(norm);
  return pass.slot == "beta" ? channel_sum(norm.data, "diff_beta") : batch_norm_gradient_problem(norm);
}

// In training the gradient of src needs the sums that the other two are, so that they cost nothing.
std::optional<std::string> batch_norm_unsupported(const Case& c, const Pass& pass) {
  const BatchNormalization norm(c);
  if (pass.slot == "gamma") return "oneDNN computes the gradient of gamma only together with that of src";
  if (pass.slot == "src" && norm.affine && !norm.training)
    return "oneDNN computes the gradient of src at inference only together with those of gamma and beta";
  return {};
}

// The saved rstd is turned back into a variance (one rounding), eps is added, and the root and its reciprocal are taken
// again: 4 roundings more than the Spec counts, and rstd occurs three times in the gradient.
double batch_norm_depth(const Case& c, const Pass& pass, std::string_view slot) {
  const double textbook = c.spec->depth(c.attributes, pass, slot);
  return pass.is_forward() || slot == "diff_beta" ? textbook : textbook + 12;
}

}  // namespace

std::vector<Implementation> batch_norm_implementations() {
  return implementations(
      {.problem = batch_norm_problem, .unsupported = batch_norm_unsupported, .depth = batch_norm_depth});
}

}  // namespace gradproof::onednn
