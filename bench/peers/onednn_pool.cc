// max_pool by oneDNN's pooling. Its workspace numbers the taps of a window as argmax does, so that one is the other in
// another layout (and in another width, where a window has more than 255 taps).
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

struct Pooling {
  explicit Pooling(const Case& c) {
    const Window window = window_of(c.attributes);
    const Index mb = c.attributes.integer("mb"), channels = c.attributes.integer("c");
    src = dims_of(window.in_shape(mb, channels));
    dst = dims_of(window.out_shape(mb, channels));
    kernel = per_axis(window, [](const WindowAxis& axis) { return axis.kernel; });
    strides = per_axis(window, [](const WindowAxis& axis) { return axis.stride; });
    dilations = per_axis(window, [](const WindowAxis& axis) { return axis.dilation - 1; });
    before = per_axis(window, [](const WindowAxis& axis) { return axis.pad_lo; });
    behind = per_axis(window, padding_behind);
  }

  dnnl::pooling_v2_forward::primitive_desc forward(Layout layout) const {
    return {{dnnl::prop_kind::forward_training, dnnl::algorithm::pooling_max, channels_desc(src, layout),
             channels_desc(dst, layout), strides, kernel, dilations, before, behind},
            engine()};
  }
  dnnl::primitive_desc gradient(Layout layout) const {
    return dnnl::pooling_v2_backward::primitive_desc(
        {dnnl::algorithm::pooling_max, channels_desc(src, layout), channels_desc(dst, layout), strides, kernel,
         dilations, before, behind},
        engine(), forward(layout));
  }

  memory::dims src, dst, kernel, strides, dilations, before, behind;
};

memory::data_type argmax_type(const Case& c) {
  const bool byte = c.spec->find_slot("argmax")->type(c.attributes) == ElementType::kUint8;
  return byte ? memory::data_type::u8 : memory::data_type::s32;
}

Problem problem(const Case& c, const Pass& pass) {
  const Pooling pool(c);
  const Tensor argmax{"argmax", DNNL_ARG_WORKSPACE, pool.dst, argmax_type(c)};
  Problem problem;
  if (pass.is_forward()) {
    problem.tensors = {{"src", DNNL_ARG_SRC, pool.src}, {"dst", DNNL_ARG_DST, pool.dst}, argmax};
    problem.describe = [pool](Layout layout) { return pool.forward(layout); };
  } else {
    problem.tensors = {{"diff_dst", DNNL_ARG_DIFF_DST, pool.dst}, {"diff_src", DNNL_ARG_DIFF_SRC, pool.src}, argmax};
    problem.describe = [pool](Layout layout) { return pool.gradient(layout); };
  }
  return problem;
}

}  // namespace

std::vector<Implementation> max_pool_implementations() { return implementations({.problem = problem}); }

}  // namespace gradproof::onednn
