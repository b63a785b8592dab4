// layer_norm by oneDNN's layer normalization, which normalizes the last axis: a sample, seen as one row. It computes
// and takes mean and variance; rstd is made from them here, one number a sample, as part of run().
#include <cmath>

#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

using dnnl::normalization_flags;
using dnnl::prop_kind;

struct LayerNormalization {
  explicit LayerNormalization(const Case& c) : affine(c.attributes.flag("affine")), eps(c.attributes.real("eps")) {
    const Index mb = c.attributes.integer("mb");
    const Index elements = c.attributes.integer("c") * window_of(c.attributes).in_count();
    data = {mb, elements};
    statistics = {mb};
    parameters = {elements};
  }

  normalization_flags flags() const {
    return affine ? normalization_flags::use_scale | normalization_flags::use_shift : normalization_flags::none;
  }
  // Rows have one layout only.
  dnnl::layer_normalization_forward::primitive_desc forward() const {
    return {{prop_kind::forward_training, dense_desc(data), dense_desc(statistics), static_cast<float>(eps), flags()},
            engine()};
  }
  // With a scale, oneDNN computes all gradients or none.
  dnnl::primitive_desc gradient() const {
    const prop_kind kind = affine ? prop_kind::backward : prop_kind::backward_data;
    const memory::desc d = dense_desc(data);
    return dnnl::layer_normalization_backward::primitive_desc(
        {kind, d, d, dense_desc(statistics), static_cast<float>(eps), flags()}, engine(), forward());
  }

  bool affine;
  double eps;
  memory::dims data, statistics, parameters;
};

Problem layer_norm_forward_problem(const LayerNormalization& norm) {
  Problem problem;
  problem.tensors = {{"src", DNNL_ARG_SRC, norm.data},
                     {"dst", DNNL_ARG_DST, norm.data},
                     {"mean", DNNL_ARG_MEAN, norm.statistics},
                     {"variance", DNNL_ARG_VARIANCE, norm.statistics}};
  if (norm.affine) {
    problem.tensors.push_back({"gamma", DNNL_ARG_SCALE, norm.parameters});
    problem.tensors.push_back({"beta", DNNL_ARG_SHIFT, norm.parameters});
  }
  problem.describe = [norm](Layout) { return norm.forward(); };
  problem.after = [norm](const Values& values) {
    const float* variance = values("variance");
    float* rstd = values("rstd");
    for (Index n = 0; n < norm.statistics[0]; ++n)
      rstd[n] = static_cast<float>(1 / std::sqrt(double{variance[n]} + norm.eps));
  };
  return problem;
}

Problem layer_norm_gradient_problem(const LayerNormalization& norm) {
  Problem problem;
  problem.tensors = {{"src", DNNL_ARG_SRC, norm.data},
                     {"diff_dst", DNNL_ARG_DIFF_DST, norm.data},
                     {"diff_src", DNNL_ARG_DIFF_SRC, norm.data},
                     {"mean", DNNL_ARG_MEAN, norm.statistics},
                     {"variance", DNNL_ARG_VARIANCE, norm.statistics}};
  if (norm.affine) {  // diff_gamma and diff_beta are buffers of the plan where the pass does not ask for them
    problem.tensors.push_back({"gamma", DNNL_ARG_SCALE, norm.parameters});
    problem.tensors.push_back({"beta", DNNL_ARG_SHIFT, norm.parameters});
    problem.tensors.push_back({"diff_gamma", DNNL_ARG_DIFF_SCALE, norm.parameters});
    problem.tensors.push_back({"diff_beta", DNNL_ARG_DIFF_SHIFT, norm.parameters});
  }
  problem.describe = [norm](Layout) { return norm.gradient(); };
  problem.before = [norm](const Values& values) {
    const float* rstd = values("rstd");
    float* variance = values("variance");
    for (Index n = 0; n < norm.statistics[0]; ++n)
      variance[n] = static_cast<float>(1 / (double{rstd[n]} * double{rstd[n]}) - norm.eps);
  };
  return problem;
}

Problem layer_norm_problem(const Case& c, const Pass& pass) {
  const LayerNormalization norm(c);
  return pass.is_forward() ? layer_norm_forward_problem(norm) : layer_norm_gradient_problem(norm);
}

std::optional<std::string> layer_norm_unsupported(const Case& c, const Pass& pass) {
  if (pass.slot == "gamma" || pass.slot == "beta")
    return "oneDNN computes the gradients of gamma and beta only together with that of src";
  if (pass.slot == "src" && LayerNormalization(c).affine)
    return "oneDNN computes the gradient of src, where there is gamma, only together with those of gamma and beta";
  return {};
}

// As in batch_norm: 4 roundings from rstd to the variance and back, and rstd occurs three times in the gradient.
double layer_norm_depth(const Case& c, const Pass& pass, std::string_view slot) {
  const double textbook = c.spec->depth(c.attributes, pass, slot);
  return pass.is_forward() || slot == "diff_beta" ? textbook : textbook + 12;
}

}  // namespace

std::vector<Implementation> layer_norm_implementations() {
  return {plain_implementation(
      "onednn", {.problem = layer_norm_problem, .unsupported = layer_norm_unsupported, .depth = layer_norm_depth})};
}

}  // namespace gradproof::onednn
