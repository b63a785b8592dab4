// conv_transpose by oneDNN's deconvolution.
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

constexpr auto kDirect = dnnl::algorithm::deconvolution_direct;

// oneDNN counts dilation from 0, writes groups as an axis of the weights, and names output channels before input
// channels, which lie the other way round in ours: [ic][oc/g][k].
struct Deconvolution {
  explicit Deconvolution(const Case& c) {
    const Attributes& a = c.attributes;
    const Window window = window_of(a);
    const Index ic = a.integer("ic"), oc = a.integer("oc"), g = a.integer("g"), taps = window.taps();
    src = dims_of(*c.spec->find_slot("src")->shape(a));
    dst = dims_of(*c.spec->find_slot("dst")->shape(a));
    weights = g > 1 ? memory::dims{g, oc / g, ic / g} : memory::dims{oc, ic};
    weights_strides =
        g > 1 ? memory::dims{ic / g * (oc / g) * taps, taps, oc / g * taps} : memory::dims{taps, oc * taps};
    Index step = taps;
    for (Index size : per_axis(window, [](const WindowAxis& axis) { return axis.kernel; })) {
      step /= size;
      weights.push_back(size);
      weights_strides.push_back(step);
    }
    if (a.flag("bias")) bias = {oc};
    strides = per_axis(window, [](const WindowAxis& axis) { return axis.stride; });
    dilations = per_axis(window, [](const WindowAxis& axis) { return axis.dilation - 1; });
    before = per_axis(window, [](const WindowAxis& axis) { return axis.pad_lo; });
    // Output padding is negative padding behind the output.
    for (size_t axis = 0; axis < strides.size(); ++axis) {
      const auto extent = (weights[weights.size() - strides.size() + axis] - 1) * (dilations[axis] + 1) + 1;
      behind.push_back((src[axis + 2] - 1) * strides[axis] + extent - before[axis] - dst[axis + 2]);
    }
  }

  dnnl::deconvolution_forward::primitive_desc forward(Layout layout) const {
    const auto kind = dnnl::prop_kind::forward_training;
    const memory::desc s = any_desc(src, layout), w = weights_desc(layout), d = any_desc(dst, layout);
    if (bias.empty()) return {{kind, kDirect, s, w, d, strides, dilations, before, behind}, engine()};
    return {{kind, kDirect, s, w, dense_desc(bias), d, strides, dilations, before, behind}, engine()};
  }
  dnnl::primitive_desc data_gradient(Layout layout) const {
    const memory::desc s = any_desc(src, layout), w = weights_desc(layout), d = any_desc(dst, layout);
    return dnnl::deconvolution_backward_data::primitive_desc({kDirect, s, w, d, strides, dilations, before, behind},
                                                             engine(), forward(layout));
  }
  dnnl::primitive_desc weight_gradient(Layout layout) const {
    const memory::desc s = any_desc(src, layout), w = weights_desc(layout), d = any_desc(dst, layout);
    return dnnl::deconvolution_backward_weights::primitive_desc({kDirect, s, w, d, strides, dilations, before, behind},
                                                                engine(), forward(layout));
  }

  memory::desc weights_desc(Layout layout) const {
    if (layout == Layout::kDense) return {weights, memory::data_type::f32, weights_strides};
    return any_desc(weights, layout);
  }
  Tensor weights_tensor(const std::string& name, int key) const {
    return {name, key, weights, memory::data_type::f32, weights_strides};
  }

  memory::dims src, weights, weights_strides, bias, dst, strides, dilations, before, behind;
};

Problem conv_transpose_problem(const Case& c, const Pass& pass) {
  const Deconvolution deconv(c);
  if (pass.slot == "bias") return channel_sum(deconv.dst, "diff_bias");
  Problem problem;
  if (pass.slot == "src") {
    problem.tensors = {{"diff_dst", DNNL_ARG_DIFF_DST, deconv.dst},
                       deconv.weights_tensor("weights", DNNL_ARG_WEIGHTS),
                       {"diff_src", DNNL_ARG_DIFF_SRC, deconv.src}};
    problem.describe = [deconv](Layout layout) { return deconv.data_gradient(layout); };
  } else if (pass.slot == "weights") {
    problem.tensors = {{"src", DNNL_ARG_SRC, deconv.src},
                       {"diff_dst", DNNL_ARG_DIFF_DST, deconv.dst},
                       deconv.weights_tensor("diff_weights", DNNL_ARG_DIFF_WEIGHTS)};
    problem.describe = [deconv](Layout layout) { return deconv.weight_gradient(layout); };
  } else {
    problem.tensors = {{"src", DNNL_ARG_SRC, deconv.src},
                       deconv.weights_tensor("weights", DNNL_ARG_WEIGHTS),
                       {"dst", DNNL_ARG_DST, deconv.dst}};
    if (!deconv.bias.empty()) problem.tensors.push_back({"bias", DNNL_ARG_BIAS, deconv.bias});
    problem.describe = [deconv](Layout layout) { return deconv.forward(layout); };
  }
  return problem;
}

}  // namespace

std::vector<Implementation> conv_transpose_implementations() {
  return implementations({.problem = conv_transpose_problem});
}

}  // namespace gradproof::onednn
