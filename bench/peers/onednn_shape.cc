// add by oneDNN's binary primitive and concat by its own.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

memory::dims dims_of_slot(const Case& c, const char* slot) {
  return dims_of(*c.spec->find_slot(slot)->shape(c.attributes));
}

Problem add_problem(const Case& c, const Pass&) {
  const memory::dims src = dims_of_slot(c, "src"), other = dims_of_slot(c, "other");
  Problem problem;
  problem.tensors = {{"src", DNNL_ARG_SRC_0, src}, {"other", DNNL_ARG_SRC_1, other}, {"dst", DNNL_ARG_DST, src}};
  problem.describe = [=](Layout) -> dnnl::primitive_desc {
    return dnnl::binary::primitive_desc(
        {dnnl::algorithm::binary_add, dense_desc(src), dense_desc(other), dense_desc(src)}, engine());
  };
  return problem;
}

Problem concat_problem(const Case& c, const Pass&) {
  const memory::dims src = dims_of_slot(c, "src"), other = dims_of_slot(c, "other"), dst = dims_of_slot(c, "dst");
  Problem problem;
  problem.tensors = {
      {"src", DNNL_ARG_MULTIPLE_SRC, src}, {"other", DNNL_ARG_MULTIPLE_SRC + 1, other}, {"dst", DNNL_ARG_DST, dst}};
  problem.describe = [=](Layout) {
    const dnnl::concat::primitive_desc joined(dense_desc(dst), 1, {dense_desc(src), dense_desc(other)}, engine());
    dnnl_primitive_desc_t copy = nullptr;  // of another C++ class, but the same thing in C
    dnnl::error::wrap_c_api(dnnl_primitive_desc_clone(&copy, joined.get()), "could not clone a concat");
    dnnl::primitive_desc result;
    result.reset(copy);
    return result;
  };
  return problem;
}

std::optional<std::string> forward_alone(const Case&, const Pass& pass) {
  if (pass.is_forward()) return {};
  return "oneDNN leaves gradients that are copies or sums to its caller";
}

}  // namespace

std::vector<Implementation> add_implementations() {
  return {plain_implementation("onednn", {.problem = add_problem, .unsupported = forward_alone})};
}
std::vector<Implementation> concat_implementations() {
  return {plain_implementation("onednn", {.problem = concat_problem, .unsupported = forward_alone})};
}

}  // namespace gradproof::onednn
