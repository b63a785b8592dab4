// softmax and log_softmax by oneDNN.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

template <class Forward, class Backward>
Problem softmax_problem(const Case& c, const Pass& pass) {
  const memory::dims dims = dims_of(*c.spec->find_slot("src")->shape(c.attributes));
  const auto axis = static_cast<int>(c.attributes.integer("axis"));
  const auto desc = [=](Layout layout) { return dims.size() < 3 ? dense_desc(dims) : channels_desc(dims, layout); };
  const auto forward = [=](const memory::desc& data) -> typename Forward::primitive_desc {
    return {{dnnl::prop_kind::forward_training, data, axis}, engine()};
  };
  Problem problem;
  if (pass.is_forward()) {
    problem.tensors = {{"src", DNNL_ARG_SRC, dims}, {"dst", DNNL_ARG_DST, dims}};
    problem.describe = [=](Layout layout) -> dnnl::primitive_desc { return forward(desc(layout)); };
    return problem;
  }
  problem.tensors = {
      {"dst", DNNL_ARG_DST, dims}, {"diff_dst", DNNL_ARG_DIFF_DST, dims}, {"diff_src", DNNL_ARG_DIFF_SRC, dims}};
  problem.describe = [=](Layout layout) -> dnnl::primitive_desc {
    const memory::desc data = desc(layout);
    return typename Backward::primitive_desc({data, data, axis}, engine(), forward(data));
  };
  return problem;
}

Problem plain_softmax(const Case& c, const Pass& pass) {
  return softmax_problem<dnnl::softmax_forward, dnnl::softmax_backward>(c, pass);
}
Problem log_of_softmax(const Case& c, const Pass& pass) {
  return softmax_problem<dnnl::logsoftmax_forward, dnnl::logsoftmax_backward>(c, pass);
}

}  // namespace

std::vector<Implementation> softmax_implementations() { return implementations({.problem = plain_softmax}); }
std::vector<Implementation> log_softmax_implementations() { return implementations({.problem = log_of_softmax}); }

}  // namespace gradproof::onednn
