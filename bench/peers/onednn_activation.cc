// Nonlinearities by oneDNN's eltwise.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

using dnnl::algorithm;

// What oneDNN calls a function and its two parameters.
struct Eltwise {
  algorithm kind;
  float (*alpha)(const Attributes&) = [](const Attributes&) { return 0.0F; };
  float (*beta)(const Attributes&) = [](const Attributes&) { return 0.0F; };
};

Problem problem_of(const Eltwise& f, const Case& c, const Pass& pass) {
  const Attributes& a = c.attributes;
  const float alpha = f.alpha(a), beta = f.beta(a);
  const memory::dims dims = dims_of(spatial_shape(a, a.integer("mb"), a.integer("c")));
  const auto forward = [=](Layout layout) -> dnnl::eltwise_forward::primitive_desc {
    return {{dnnl::prop_kind::forward_training, f.kind, channels_desc(dims, layout), alpha, beta}, engine()};
  };
  Problem problem;
  if (pass.is_forward()) {
    problem.tensors = {{"src", DNNL_ARG_SRC, dims}, {"dst", DNNL_ARG_DST, dims}};
    problem.describe = forward;
    return problem;
  }
  problem.tensors = {
      {"src", DNNL_ARG_SRC, dims}, {"diff_dst", DNNL_ARG_DIFF_DST, dims}, {"diff_src", DNNL_ARG_DIFF_SRC, dims}};
  problem.describe = [=](Layout layout) -> dnnl::primitive_desc {
    const memory::desc data = channels_desc(dims, layout);
    return dnnl::eltwise_backward::primitive_desc({f.kind, data, data, alpha, beta}, engine(), forward(layout));
  };
  return problem;
}

float read(const Attributes& a, const char* key) { return static_cast<float>(a.real(key)); }

std::optional<std::string> needs_beta_of_one(const Case& c, const Pass&) {
  if (c.spec->name != "softplus" || c.attributes.real("beta") == 1) return {};
  return "oneDNN's soft_relu has no beta";
}

}  // namespace

std::map<std::string, std::vector<Implementation>> activation_implementations() {
  using A = const Attributes&;
  const std::map<std::string, Eltwise> functions{
      {"relu", {algorithm::eltwise_relu}},
      {"leaky_relu", {algorithm::eltwise_relu, [](A a) { return read(a, "slope"); }}},
      {"relu6", {algorithm::eltwise_clip_v2, [](A) { return 0.0F; }, [](A) { return 6.0F; }}},
      {"hard_tanh",
       {algorithm::eltwise_clip_v2, [](A a) { return read(a, "min"); }, [](A a) { return read(a, "max"); }}},
      {"elu", {algorithm::eltwise_elu, [](A a) { return read(a, "alpha"); }}},
      {"gelu", {algorithm::eltwise_gelu_erf}},
      {"gelu_tanh", {algorithm::eltwise_gelu_tanh}},
      {"silu", {algorithm::eltwise_swish, [](A) { return 1.0F; }}},
      {"mish", {algorithm::eltwise_mish}},
      {"softplus", {algorithm::eltwise_soft_relu}},
      {"sigmoid", {algorithm::eltwise_logistic}},
      {"tanh", {algorithm::eltwise_tanh}},
      {"hard_swish", {algorithm::eltwise_hardswish}},
      {"log_sigmoid", {algorithm::eltwise_logsigmoid}},
  };
  std::map<std::string, std::vector<Implementation>> result;
  for (const auto& [name, f] : functions)
    result.emplace(
        name, implementations({.problem = [f = f](const Case& c, const Pass& pass) { return problem_of(f, c, pass); },
                               .unsupported = needs_beta_of_one}));
  return result;
}

}  // namespace gradproof::onednn
