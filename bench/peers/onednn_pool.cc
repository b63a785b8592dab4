// Pools by oneDNN's pooling. For max_pool its workspace numbers the taps of a window as argmax does, so that one is the
// other in another layout (and in another width, where a window has more than 255 taps).
#include "bench/peers/onednn.h"

namespace gradproof::onednn {
namespace {

struct Pooling {
  Pooling(const Case& c, const Window& window, dnnl::algorithm kind) : algorithm(kind) {
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
    return {{dnnl::prop_kind::forward_training, algorithm, channels_desc(src, layout), channels_desc(dst, layout),
             strides, kernel, dilations, before, behind},
            engine()};
  }
  dnnl::primitive_desc gradient(Layout layout) const {
    return dnnl::pooling_v2_backward::primitive_desc(
        {algorithm, channels_desc(src, layout), channels_desc(dst, layout), strides, kernel, dilations, before, behind},
        engine(), forward(layout));
  }

  // What both kinds of pools read and write.
  Problem problem(const Pass& pass) const {
    Problem problem;
    if (pass.is_forward()) {
      problem.tensors = {{"src", DNNL_ARG_SRC, src}, {"dst", DNNL_ARG_DST, dst}};
      problem.describe = [pool = *this](Layout layout) { return pool.forward(layout); };
    } else {
      problem.tensors = {{"diff_dst", DNNL_ARG_DIFF_DST, dst}, {"diff_src", DNNL_ARG_DIFF_SRC, src}};
      problem.describe = [pool = *this](Layout layout) { return pool.gradient(layout); };
    }
    return problem;
  }

  dnnl::algorithm algorithm;
  memory::dims src, dst, kernel, strides, dilations, before, behind;
};

memory::data_type argmax_type(const Case& c) {
  const bool byte = c.spec->find_slot("argmax")->type(c.attributes) == ElementType::kUint8;
  return byte ? memory::data_type::u8 : memory::data_type::s32;
}

Problem max_problem(const Case& c, const Pass& pass) {
  const Pooling pool(c, window_of(c.attributes), dnnl::algorithm::pooling_max);
  Problem problem = pool.problem(pass);
  problem.tensors.push_back({"argmax", DNNL_ARG_WORKSPACE, pool.dst, argmax_type(c)});
  return problem;
}

// oneDNN divides by all taps of a window, or by those on the input.
Problem average_problem(const Case& c, const Pass& pass) {
  const auto algorithm = c.attributes.flag("count_include_pad") ? dnnl::algorithm::pooling_avg_include_padding
                                                                : dnnl::algorithm::pooling_avg_exclude_padding;
  return Pooling(c, window_of(c.attributes), algorithm).problem(pass);
}

std::optional<std::string> average_unsupported(const Case& c, const Pass&) {
  if (c.attributes.integer("divisor") != 0) return "oneDNN's average pooling has no divisor";
  if (!c.attributes.flag("count_include_pad")) return {};
  for (const WindowAxis& axis : window_of(c.attributes).axes)
    if (padding_behind(axis) > axis.pad_hi) return "oneDNN counts the taps that overhang the padding";
  return {};
}

// One window as large as the input.
Problem global_average_problem(const Case& c, const Pass& pass) {
  Window window = window_of(c.attributes);
  for (WindowAxis& axis : window.axes) axis.kernel = axis.in;
  return Pooling(c, window, dnnl::algorithm::pooling_avg_exclude_padding).problem(pass);
}

}  // namespace

std::vector<Implementation> max_pool_implementations() { return implementations({.problem = max_problem}); }

std::vector<Implementation> avg_pool_implementations() {
  return implementations({.problem = average_problem, .unsupported = average_unsupported});
}

std::vector<Implementation> global_avg_pool_implementations() {
  return implementations({.problem = global_average_problem});
}

}  // namespace gradproof::onednn
