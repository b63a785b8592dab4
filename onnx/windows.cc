// Entries of the mapping for operators with sliding windows.
#include <algorithm>

#include "onnx/translator.h"

namespace gradproof {
namespace {

constexpr const char* kAxes[] = {"d", "h", "w"};
constexpr Index kLargestSize = Index{1} << 24;

struct Sides {
  Index lo = 0, hi = 0;
};

struct Windows {
  size_t rank = 0;  // 1 to 3
  std::vector<Index> in, kernel, stride, dilation;
  std::vector<Sides> pad;

  Index extent(size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

void require_sizes(const std::vector<Index>& sizes, Index least, const char* what) {
  for (Index size : sizes)
    if (size < least || size > kLargestSize) not_covered("a window of {} {}", what, size);
}

Windows read_windows(const Translator& t, const OnnxTensor& src, std::span<const Index> kernel) {
  Windows w;
  if (src.sizes.size() < 3 || src.sizes.size() > 5) not_covered("windows in a tensor of {} axes", src.sizes.size());
  w.rank = src.sizes.size() - 2;
  w.in.assign(src.sizes.begin() + 2, src.sizes.end());
  w.kernel = kernel.empty() ? t.integers("kernel_shape", w.rank, 0) : std::vector<Index>(kernel.begin(), kernel.end());
  if (w.kernel.size() != w.rank) not_covered("a window of {} axes in {} of space", w.kernel.size(), w.rank);
  w.stride = t.integers("strides", w.rank, 1);
  w.dilation = t.integers("dilations", w.rank, 1);
  const std::vector<Index> pads = t.integers("pads", 2 * w.rank, 0);
  for (size_t axis = 0; axis < w.rank; ++axis) w.pad.push_back({pads[axis], pads[w.rank + axis]});
  for (const auto* sizes : {&w.kernel, &w.stride, &w.dilation}) require_sizes(*sizes, 1, "size, stride or dilation");
  require_sizes(pads, -kLargestSize, "padding");
  double taps = 1;
  for (Index size : w.kernel) taps *= static_cast<double>(size);
  if (taps > static_cast<double>(kLargestSize)) not_covered("a window of {} taps", taps);
  return w;
}

// SAME: as many outputs as strides fit into the input; the odd one of the padding goes behind (UPPER) or before.
void pad_automatically(const Translator& t, Windows& w) {
  const std::string mode = t.text("auto_pad", "NOTSET");
  if (mode == "NOTSET") return;
  for (size_t axis = 0; axis < w.rank; ++axis) {
    const Index out = (w.in[axis] + w.stride[axis] - 1) / w.stride[axis];
    const Index total =
        mode == "VALID" ? 0 : std::max<Index>(0, (out - 1) * w.stride[axis] + w.extent(axis) - w.in[axis]);
    const Index less = total / 2;
    w.pad[axis] = mode == "SAME_LOWER" ? Sides{total - less, less} : Sides{less, total - less};
  }
}

void set_windows(Translator& t, const Windows& w) {
  for (size_t axis = 0; axis < w.rank; ++axis) {
    const std::string name = kAxes[axis + 3 - w.rank];
    t.set("k" + name, w.kernel[axis]);
    t.set("s" + name, w.stride[axis]);
    t.set("d" + name, w.dilation[axis]);
    t.set("p" + name + "_lo", w.pad[axis].lo);
    t.set("p" + name + "_hi", w.pad[axis].hi);
  }
}

std::span<const Index> behind_channels(const OnnxTensor& tensor) {
  if (tensor.sizes.size() < 2) not_covered("weights of {} axes", tensor.sizes.size());
  return std::span(tensor.sizes).subspan(2);
}

void give_weights(Translator& t, size_t weights, size_t bias) {
  t.give("weights", t.input(weights));
  t.set("bias", t.has_input(bias) ? 1 : 0);
  if (t.has_input(bias)) t.give("bias", t.input(bias));
}

Windows map_pool(Translator& t, const char* name) {
  t.operation(name);
  t.set_maps(t.input(0));
  Windows w = read_windows(t, t.input(0), {});
  pad_automatically(t, w);
  set_windows(t, w);
  t.set("ceil_mode", t.integer("ceil_mode", 0));
  t.give("src", t.input(0));
  t.expect("dst", 0);
  return w;
}

// Padding of a transposed convolution from the size that its output shall have.
void pad_for_output(const Translator& t, Windows& w, const std::vector<Index>& out, std::vector<Index>& more) {
  for (size_t axis = 0; axis < w.rank; ++axis) {
    const Index total = w.stride[axis] * (w.in[axis] - 1) + more[axis] + w.extent(axis) - out[axis];
    if (total < 0) {
      more[axis] -= total;
      w.pad[axis] = {};
      continue;
    }
    const Index less = total / 2;
    w.pad[axis] = t.text("auto_pad", "NOTSET") == "SAME_UPPER" ? Sides{less, total - less} : Sides{total - less, less};
  }
}

// What every convolution takes, with its bias at input `bias`, and what comes of it.
void give_sum(Translator& t, size_t bias) {
  give_weights(t, 1, bias);
  t.give("src", t.input(0));
  t.expect("dst", 0);
}

}  // namespace

void map_conv(Translator& t) {
  t.operation("conv");
  t.set_maps(t.input(0), "ic");
  Windows w = read_windows(t, t.input(0), behind_channels(t.input(1)));
  pad_automatically(t, w);
  t.set("oc", t.input(1).sizes[0]);
  t.set("g", t.integer("group", 1));
  set_windows(t, w);
  give_sum(t, 2);
}

void map_conv_transpose(Translator& t) {
  t.operation("conv_transpose");
  t.set_maps(t.input(0), "ic");
  Windows w = read_windows(t, t.input(0), behind_channels(t.input(1)));
  const Index groups = t.integer("group", 1);
  std::vector<Index> more = t.integers("output_padding", w.rank, 0);
  std::vector<Index> out = t.integers("output_shape", w.rank, 0);
  require_sizes({groups}, 1, "groups");
  require_sizes(more, 0, "output padding");
  require_sizes(out, 0, "output size");
  if (t.text("auto_pad", "NOTSET").starts_with("SAME") && out.front() == 0)
    for (size_t axis = 0; axis < w.rank; ++axis) out[axis] = w.in[axis] * w.stride[axis];
  if (out.front() > 0) pad_for_output(t, w, out, more);
  t.set("oc", t.input(1).sizes[1] * groups);
  t.set("g", groups);
  set_windows(t, w);
  for (size_t axis = 0; axis < w.rank; ++axis) t.set(std::string("op") + kAxes[axis + 3 - w.rank], more[axis]);
  give_sum(t, 2);
}

void map_deform_conv(Translator& t) {
  t.operation("deform_conv");
  t.set_maps(t.input(0), "ic");
  t.set("oc", t.input(1).sizes[0]);
  t.set("g", t.integer("group", 1));
  t.set("og", t.integer("offset_group", 1));
  set_windows(t, read_windows(t, t.input(0), behind_channels(t.input(1))));
  t.set("mask", t.has_input(4) ? 1 : 0);
  if (t.has_input(4)) t.give("mask", t.input(4));
  t.give("offset", t.input(2));
  give_sum(t, 3);
}

void map_max_pool(Translator& t) {
  map_pool(t, "max_pool");
  t.leave_out(1, "ONNX counts indices in the whole tensor, argmax in the window");
}

void map_average_pool(Translator& t) {
  map_pool(t, "avg_pool");
  t.set("count_include_pad", t.integer("count_include_pad", 0));
}

void map_lp_pool(Translator& t) {
  map_pool(t, "lp_pool");
  t.set("norm", t.integer("p", 2));
}

// ONNX's indices count in the whole tensor, ours in the window.
void map_max_unpool(Translator& t) {
  const OnnxTensor& src = t.input(0);
  const OnnxTensor* dst = t.output(0);
  OnnxTensor argmax = t.any_input(1);
  Windows w = read_windows(t, src, {});
  if (dst == nullptr || dst->sizes.size() != src.sizes.size()) not_covered("no stored output");
  if (!argmax.is(OnnxType::kInt64)) not_covered("indices of type {}", argmax.type);
  const std::vector<Index> place(dst->sizes.begin() + 2, dst->sizes.end());
  if (argmax.sizes != src.sizes) not_covered("indices of another shape than the input");
  const Index windows = product(w.in), places = product(place);
  if (windows == 0 || places == 0) not_covered("an empty tensor");
  for (size_t i = 0; i < argmax.values.size(); ++i) {
    Index window = static_cast<Index>(i) % windows, at = static_cast<Index>(argmax.values[i]) % places, tap = 0,
          taps = 1;
    if (static_cast<Index>(argmax.values[i]) / places != static_cast<Index>(i) / windows)
      not_covered("indices that were made for another size of output");
    for (size_t axis = w.rank; axis-- > 0;) {
      const Index inside = at % place[axis] - (window % w.in[axis] * w.stride[axis] - w.pad[axis].lo);
      if (inside < 0 || inside >= w.kernel[axis]) not_covered("an index outside its window");
      tap += inside * taps;
      taps *= w.kernel[axis];
      at /= place[axis];
      window /= w.in[axis];
    }
    argmax.values[i] = static_cast<double>(tap);
  }
  t.operation("max_unpool");
  t.set_maps(*dst);
  set_windows(t, w);
  t.give("src", src);
  t.give("argmax", std::move(argmax));
  t.expect("dst", 0);
}

}  // namespace gradproof
