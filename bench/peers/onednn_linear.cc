// linear by oneDNN's inner product.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

Problem linear_problem(const Case& c, const Pass& pass) {
  const Attributes& a = c.attributes;
  const memory::dims src{a.integer("mb"), a.integer("ic")}, dst{a.integer("mb"), a.integer("oc")};
  const memory::dims weights{a.integer("oc"), a.integer("ic")}, bias{a.integer("oc")};
  const bool has_bias = a.flag("bias");
  if (pass.slot == "bias") return channel_sum(dst, "diff_bias");
  const auto forward = [=](Layout layout) -> dnnl::inner_product_forward::primitive_desc {
    const auto kind = dnnl::prop_kind::forward_training;
    const memory::desc s = any_desc(src, layout), w = any_desc(weights, layout), d = any_desc(dst, layout);
    if (!has_bias) return {{kind, s, w, d}, engine()};
    return {{kind, s, w, dense_desc(bias), d}, engine()};
  };
  Problem problem;
  if (pass.slot == "src") {
    problem.tensors = {{"diff_dst", DNNL_ARG_DIFF_DST, dst},
                       {"weights", DNNL_ARG_WEIGHTS, weights},
                       {"diff_src", DNNL_ARG_DIFF_SRC, src}};
    problem.describe = [=](Layout layout) -> dnnl::primitive_desc {
      return dnnl::inner_product_backward_data::primitive_desc(
          {any_desc(src, layout), any_desc(weights, layout), any_desc(dst, layout)}, engine(), forward(layout));
    };
  } else if (pass.slot == "weights") {
    problem.tensors = {{"src", DNNL_ARG_SRC, src},
                       {"diff_dst", DNNL_ARG_DIFF_DST, dst},
                       {"diff_weights", DNNL_ARG_DIFF_WEIGHTS, weights}};
    problem.describe = [=](Layout layout) -> dnnl::primitive_desc {
      return dnnl::inner_product_backward_weights::primitive_desc(
          {any_desc(src, layout), any_desc(weights, layout), any_desc(dst, layout)}, engine(), forward(layout));
    };
  } else {
    problem.tensors = {{"src", DNNL_ARG_SRC, src}, {"weights", DNNL_ARG_WEIGHTS, weights}, {"dst", DNNL_ARG_DST, dst}};
    if (has_bias) problem.tensors.push_back({"bias", DNNL_ARG_BIAS, bias});
    problem.describe = forward;
  }
  return problem;
}

}  // namespace

std::vector<Implementation> linear_implementations() { return implementations({.problem = linear_problem}); }

}  // namespace gradproof::onednn
