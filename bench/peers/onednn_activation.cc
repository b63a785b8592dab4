// relu by oneDNN's eltwise.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

Problem problem(const Case& c, const Pass& pass) {
  const Attributes& a = c.attributes;
  const memory::dims dims = dims_of(spatial_shape(a, a.integer("mb"), a.integer("c")));
  const auto forward = [=](Layout layout) -> dnnl::eltwise_forward::primitive_desc {
    return {{dnnl::prop_kind::forward_training, dnnl::algorithm::eltwise_relu, channels_desc(dims, layout)}, engine()};
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
    return dnnl::eltwise_backward::primitive_desc({dnnl::algorithm::eltwise_relu, data, data}, engine(),
                                                  forward(layout));
  };
  return problem;
}

}  // namespace

std::vector<Implementation> relu_implementations() { return implementations({.problem = problem}); }

}  // namespace gradproof::onednn
