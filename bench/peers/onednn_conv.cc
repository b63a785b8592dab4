// conv by oneDNN's convolution: direct, and Winograd as a competitor of its own.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

using dnnl::algorithm;

// oneDNN counts dilation from 0 and writes groups as an axis of the weights.
struct Convolution {
  Convolution(const Case& c, algorithm chosen) : how(chosen) {
    const Attributes& a = c.attributes;
    const Window window = window_of(a);
    const Index mb = a.integer("mb"), ic = a.integer("ic"), oc = a.integer("oc"), g = a.integer("g");
    src = dims_of(window.in_shape(mb, ic));
    dst = dims_of(window.out_shape(mb, oc));
    weights = g > 1 ? memory::dims{g, oc / g, ic / g} : memory::dims{oc, ic};
    for (Index size : per_axis(window, [](const WindowAxis& axis) { return axis.kernel; })) weights.push_back(size);
    if (a.flag("bias")) bias = {oc};
    strides = per_axis(window, [](const WindowAxis& axis) { return axis.stride; });
    dilations = per_axis(window, [](const WindowAxis& axis) { return axis.dilation - 1; });
    before = per_axis(window, [](const WindowAxis& axis) { return axis.pad_lo; });
    behind = per_axis(window, padding_behind);
  }

  dnnl::convolution_forward::primitive_desc forward(Layout layout) const {
    const auto kind = dnnl::prop_kind::forward_training;
    const memory::desc s = any_desc(src, layout), w = any_desc(weights, layout), d = any_desc(dst, layout);
    if (bias.empty()) return {{kind, how, s, w, d, strides, dilations, before, behind}, engine()};
    return {{kind, how, s, w, dense_desc(bias), d, strides, dilations, before, behind}, engine()};
  }
  dnnl::primitive_desc data_gradient(Layout layout) const {
    const memory::desc s = any_desc(src, layout), w = any_desc(weights, layout), d = any_desc(dst, layout);
    return dnnl::convolution_backward_data::primitive_desc({how, s, w, d, strides, dilations, before, behind}, engine(),
                                                           forward(layout));
  }
  dnnl::primitive_desc weight_gradient(Layout layout) const {
    const memory::desc s = any_desc(src, layout), w = any_desc(weights, layout), d = any_desc(dst, layout);
    return dnnl::convolution_backward_weights::primitive_desc({how, s, w, d, strides, dilations, before, behind},
                                                              engine(), forward(layout));
  }

  algorithm how;
  memory::dims src, weights, bias, dst, strides, dilations, before, behind;
};

Problem conv_problem(const Case& c, const Pass& pass, algorithm how) {
  const Convolution conv(c, how);
  if (pass.slot == "bias") return channel_sum(conv.dst, "diff_bias");
  Problem problem;
  if (pass.slot == "src") {
    problem.tensors = {{"diff_dst", DNNL_ARG_DIFF_DST, conv.dst},
                       {"weights", DNNL_ARG_WEIGHTS, conv.weights},
                       {"diff_src", DNNL_ARG_DIFF_SRC, conv.src}};
    problem.describe = [conv](Layout layout) { return conv.data_gradient(layout); };
  } else if (pass.slot == "weights") {
    problem.tensors = {{"src", DNNL_ARG_SRC, conv.src},
                       {"diff_dst", DNNL_ARG_DIFF_DST, conv.dst},
                       {"diff_weights", DNNL_ARG_DIFF_WEIGHTS, conv.weights}};
    problem.describe = [conv](Layout layout) { return conv.weight_gradient(layout); };
  } else {
    problem.tensors = {
        {"src", DNNL_ARG_SRC, conv.src}, {"weights", DNNL_ARG_WEIGHTS, conv.weights}, {"dst", DNNL_ARG_DST, conv.dst}};
    if (!conv.bias.empty()) problem.tensors.push_back({"bias", DNNL_ARG_BIAS, conv.bias});
    problem.describe = [conv](Layout layout) { return conv.forward(layout); };
  }
  return problem;
}

Offer offer(algorithm how) {
  return {.problem = [how](const Case& c, const Pass& pass) { return conv_problem(c, pass, how); }};
}

std::optional<std::string> no_winograd(const Case& c, const Pass& pass) {
  if (pass.slot == "bias") return "the gradient of the bias has no Winograd algorithm";
  const Window window = window_of(c.attributes);
  for (int axis = 3 - window.rank; axis < 3; ++axis) {
    const WindowAxis& a = window.axes[static_cast<size_t>(axis)];
    if (window.rank != 2 || a.kernel != 3 || a.stride != 1 || a.dilation != 1)
      return "oneDNN has Winograd for dense 3x3 kernels with stride 1 only";
  }
  return {};
}

}  // namespace

std::vector<Implementation> conv_implementations() {
  std::vector<Implementation> result = implementations(offer(algorithm::convolution_direct));
  Offer winograd = offer(algorithm::convolution_winograd);
  winograd.unsupported = no_winograd;
  result.push_back(plain_implementation("onednn-winograd", winograd));
  return result;
}

}  // namespace gradproof::onednn
