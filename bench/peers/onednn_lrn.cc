// lrn by oneDNN's local response normalization. Its gradients in blocked layouts read a workspace of the forward
// primitive, as in training.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

struct Response {
  explicit Response(const Case& c)
      : algorithm(c.attributes.flag("within") ? dnnl::algorithm::lrn_within_channel
                                              : dnnl::algorithm::lrn_across_channels),
        size(c.attributes.integer("size")),
        alpha(static_cast<float>(c.attributes.real("alpha"))),
        beta(static_cast<float>(c.attributes.real("beta"))),
        k(static_cast<float>(c.attributes.real("k"))),
        data(dims_of(spatial_shape(c.attributes, c.attributes.integer("mb"), c.attributes.integer("c")))) {}

  // At inference there is no workspace to write.
  dnnl::lrn_forward::primitive_desc forward(const memory::desc& d, dnnl::prop_kind kind) const {
    return {{kind, algorithm, d, size, alpha, beta, k}, engine()};
  }
  dnnl::primitive_desc gradient(const memory::desc& d) const {
    return dnnl::lrn_backward::primitive_desc({algorithm, d, d, size, alpha, beta, k}, engine(),
                                              forward(d, dnnl::prop_kind::forward_training));
  }

  dnnl::algorithm algorithm;
  Index size;
  float alpha, beta, k;
  memory::dims data;
};

Problem lrn_problem(const Case& c, const Pass& pass) {
  const Response lrn(c);
  Problem problem;
  if (pass.is_forward()) {
    problem.tensors = {{"src", DNNL_ARG_SRC, lrn.data}, {"dst", DNNL_ARG_DST, lrn.data}};
    problem.describe = [=](Layout layout) {
      return lrn.forward(channels_desc(lrn.data, layout), dnnl::prop_kind::forward_inference);
    };
    return problem;
  }
  problem.tensors = {{"src", DNNL_ARG_SRC, lrn.data},
                     {"diff_dst", DNNL_ARG_DIFF_DST, lrn.data},
                     {"diff_src", DNNL_ARG_DIFF_SRC, lrn.data}};
  problem.describe = [=](Layout layout) { return lrn.gradient(channels_desc(lrn.data, layout)); };
  problem.forward_of = [=](const dnnl::primitive_desc& gradient) {
    return lrn.forward(gradient.query_md(dnnl::query::exec_arg_md, DNNL_ARG_SRC), dnnl::prop_kind::forward_training);
  };
  return problem;
}

// oneDNN's windows reach (size - 1) / 2 to either side, whatever size is, which it divides by.
std::optional<std::string> lrn_unsupported(const Case& c, const Pass&) {
  if (c.attributes.integer("size") % 2 != 0) return {};
  return "oneDNN's windows of an even size have one element less than they divide by";
}

}  // namespace

std::vector<Implementation> lrn_implementations() {
  return implementations({.problem = lrn_problem, .unsupported = lrn_unsupported});
}

}  // namespace gradproof::onednn
