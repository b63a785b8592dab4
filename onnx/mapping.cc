// One entry an operator. Windows have a file of their own.
#include "onnx/mapping.h"

#include <algorithm>
#include <functional>

#include "onnx/translator.h"
#include "reference/mass.h"

namespace gradproof {
namespace {

using Entry = std::function<void(Translator&)>;

// The decimal that people write for 1 - x.
double complement(double x) { return std::stod(fmt::format("{:.9g}", 1 - x)); }

void as_row(Translator& t, const OnnxTensor& src) {
  t.set("mb", 1);
  t.set("c", 1);
  t.set("iw", src.count());
}

void take_src(Translator& t) {
  t.give("src", t.input(0));
  t.expect("dst", 0);
}

// An elementwise function; attributes under our names, with ONNX's defaults.
struct Renamed {
  const char* onnx;
  const char* ours;
  double otherwise;
};
Entry elementwise(const char* name, std::vector<Renamed> attributes = {}) {
  return [=](Translator& t) {
    t.operation(name);
    as_row(t, t.input(0));
    for (const Renamed& attribute : attributes) t.set(attribute.ours, t.real(attribute.onnx, attribute.otherwise));
    take_src(t);
  };
}

// One whose constants are fixed in ours.
void require_constant(const Translator& t, const char* name, double otherwise, double ours) {
  const double value = t.real(name, otherwise);
  if (static_cast<float>(value) != static_cast<float>(ours)) not_covered("{} = {}, ours has {}", name, value, ours);
}

// ONNX defines these by scale * (exp(x) - 1) and stores what NumPy makes of it in float32: beyond our bounds, which are
// for a kernel with all digits of exp(x) - 1 near 0, the exponential's own error may show, gamma(3) for its ulp.
void allow_exponential_less_one(Translator& t, double scale) {
  std::vector<double> slack;
  for (double x : t.input(0).values) slack.push_back(x < 0 ? rounding_gamma(3) * scale * std::exp(x) : 0);
  t.allow("dst", std::move(slack), "it was computed as exp(x) - 1, which cancels near 0");
}

void map_elu(Translator& t) {
  elementwise("elu", {{"alpha", "alpha", 1}})(t);
  allow_exponential_less_one(t, t.real("alpha", 1));
}

void map_selu(Translator& t) {
  constexpr double kAlpha = 1.6732632423543772, kGamma = 1.0507009873554805;
  require_constant(t, "alpha", kAlpha, kAlpha);
  require_constant(t, "gamma", kGamma, kGamma);
  elementwise("selu")(t);
  allow_exponential_less_one(t, kGamma * kAlpha);
}

void map_hard_sigmoid(Translator& t) {
  require_constant(t, "alpha", 0.2, 1.0 / 6);
  require_constant(t, "beta", 0.5, 0.5);
  elementwise("hard_sigmoid")(t);
}

void map_thresholded_relu(Translator& t) {
  elementwise("threshold", {{"alpha", "threshold", 1}})(t);
  t.set("value", 0);
}

void map_gelu(Translator& t) { elementwise(t.text("approximate", "none") == "tanh" ? "gelu_tanh" : "gelu")(t); }

void map_clip(Translator& t) {
  const bool by_attributes = t.version() < 11;
  if (!by_attributes && !(t.has_input(1) && t.has_input(2))) not_covered("one limit only, hard_tanh has two");
  elementwise("hard_tanh")(t);
  t.set("min", by_attributes ? t.real("min", -3.4028234e38) : t.scalar_input(1));
  t.set("max", by_attributes ? t.real("max", 3.4028234e38) : t.scalar_input(2));
}

// The last axes of `small` are those of `large`, or all of size 1: where `small` is repeated along the first axes only.
bool repeats_along_first_axes(const OnnxTensor& small, const OnnxTensor& large) {
  auto first = std::find_if(small.sizes.begin(), small.sizes.end(), [](Index size) { return size != 1; });
  const auto count = static_cast<size_t>(small.sizes.end() - first);
  return count <= large.sizes.size() &&
         std::equal(first, small.sizes.end(), large.sizes.end() - static_cast<Index>(count));
}

// Before opset 7 one axis of `small` was that of the channels, not the last.
constexpr Index kNumPyBroadcasts = 7;

void map_prelu(Translator& t) {
  const OnnxTensor& src = t.input(0);
  const OnnxTensor& slope = t.input(1);
  const bool has_channels =
      src.sizes.size() > 1 && !slope.sizes.empty() && slope.sizes[0] == src.sizes[1] && slope.count() == slope.sizes[0];
  const bool by_channel =
      has_channels && (slope.sizes.size() + 1 == src.sizes.size() || t.version() < kNumPyBroadcasts);
  t.operation("prelu");
  if (by_channel) {
    t.set_block(src, 1, 2);
  } else if (slope.count() > 0 && repeats_along_first_axes(slope, src)) {
    t.set("mb", src.count() / slope.count());
    t.set("c", slope.count());
    t.set("iw", 1);
  } else {
    not_covered("slopes that are neither by channel nor repeated along the first axes");
  }
  take_src(t);
  t.give("slope", slope);
}

// Before opset 13 all axes from `axis` on count as one.
Entry along_axis(const char* name) {
  return [=](Translator& t) {
    const OnnxTensor& src = t.input(0);
    const bool coerced = t.version() < 13;
    const Index axis = Translator::axis_of(t.integer("axis", coerced ? 1 : -1), src);
    const auto rank = static_cast<Index>(src.sizes.size());
    if (!coerced && axis == rank) not_covered("axis {} of {} axes", axis, rank);
    t.operation(name);
    t.set_block(src, axis, coerced ? rank : axis + 1);
    t.set("axis", 1);
    take_src(t);
  };
}

Entry global_pool(const char* name) {
  return [=](Translator& t) {
    t.operation(name);
    t.set_maps(t.input(0));
    take_src(t);
  };
}

void give_gamma_and_beta(Translator& t, Index count) {
  OnnxTensor zeros = t.input(1);
  std::fill(zeros.values.begin(), zeros.values.end(), 0.0);
  const OnnxTensor& beta = t.has_input(2) ? t.input(2) : zeros;
  if (t.input(1).count() != count || beta.count() != count) not_covered("scale and bias that are repeated");
  t.set("affine", 1);
  t.set("eps", t.real("epsilon", 1e-5));
  t.give("gamma", t.input(1));
  t.give("beta", beta);
}

Index channels_of(const OnnxTensor& src) { return src.sizes.size() < 2 ? 1 : src.sizes[1]; }

void map_batch_normalization(Translator& t) {
  const OnnxTensor& src = t.input(0);
  const bool training = t.version() >= 14 && t.integer("training_mode", 0) != 0;
  if (t.version() < 9 && t.integer("spatial", 1) == 0) not_covered("statistics of every element");
  t.operation("batch_norm");
  t.set_maps(src);
  t.set("training", training ? 1 : 0);
  if (training) t.set("momentum", complement(t.real("momentum", 0.9)));
  give_gamma_and_beta(t, channels_of(src));
  take_src(t);
  t.give("running_mean", t.input(3));
  t.give("running_var", t.input(4));
  if (!training) return;
  t.expect("new_running_mean", 1);
  t.leave_out(2, "ONNX's running variance is biased, ours is not");
}

void map_instance_normalization(Translator& t) {
  t.operation("instance_norm");
  t.set_maps(t.input(0));
  give_gamma_and_beta(t, channels_of(t.input(0)));
  take_src(t);
}

void map_group_normalization(Translator& t) {
  t.operation("group_norm");
  t.set_maps(t.input(0));
  t.set("g", t.integer("num_groups", 1));
  give_gamma_and_beta(t, channels_of(t.input(0)));
  take_src(t);
}

void map_layer_normalization(Translator& t) {
  const OnnxTensor& src = t.input(0);
  const Index axis = Translator::axis_of(t.integer("axis", -1), src);
  t.operation("layer_norm");
  t.set_block(src, axis, static_cast<Index>(src.sizes.size()));
  give_gamma_and_beta(t, product(std::span(src.sizes).subspan(static_cast<size_t>(axis))));
  take_src(t);
  t.expect("mean", 1);
  t.expect("rstd", 2);
}

void map_lrn(Translator& t) {
  const Index size = t.integer("size", 1);
  if (size % 2 == 0) not_covered("a window of {} channels, which ONNX and ours place differently", size);
  t.operation("lrn");
  t.set_maps(t.input(0));
  t.set("size", size);
  t.set("alpha", t.real("alpha", 1e-4));
  t.set("beta", t.real("beta", 0.75));
  t.set("k", t.real("bias", 1));
  take_src(t);
}

OnnxTensor transposed(const OnnxTensor& matrix) {
  OnnxTensor result = matrix;
  const Index rows = matrix.sizes[0], columns = matrix.sizes[1];
  result.sizes = {columns, rows};
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < columns; ++c)
      result.values[static_cast<size_t>(c * rows + r)] = matrix.values[static_cast<size_t>(r * columns + c)];
  return result;
}

// src [rows][inner] times weights [outer][inner] transposed.
void give_matrices(Translator& t, const OnnxTensor& src, const OnnxTensor& weights) {
  t.operation("linear");
  t.set("mb", src.sizes[0]);
  t.set("ic", src.sizes[1]);
  t.set("oc", weights.sizes[0]);
  t.give("src", src);
  t.give("weights", weights);
  t.expect("dst", 0);
}

void require_matrix(const OnnxTensor& tensor) {
  if (tensor.sizes.size() != 2) not_covered("products of tensors of {} axes; linear has 2", tensor.sizes.size());
  if (tensor.count() == 0) not_covered("products of empty matrices");
}

void map_matmul(Translator& t) {
  require_matrix(t.input(0));
  require_matrix(t.input(1));
  give_matrices(t, t.input(0), transposed(t.input(1)));
  t.set("bias", 0);
}

void map_gemm(Translator& t) {
  if (t.real("alpha", 1) != 1 || (t.has_input(2) && t.real("beta", 1) != 1)) not_covered("alpha or beta that is not 1");
  require_matrix(t.input(0));
  require_matrix(t.input(1));
  const OnnxTensor weights = t.integer("transB", 0) != 0 ? t.input(1) : transposed(t.input(1));
  give_matrices(t, t.integer("transA", 0) != 0 ? transposed(t.input(0)) : t.input(0), weights);
  t.set("bias", t.has_input(2) ? 1 : 0);
  if (!t.has_input(2)) return;
  OnnxTensor bias = t.input(2);
  const Index outer = weights.sizes[0];
  if (bias.count() == 1) bias.values.assign(static_cast<size_t>(outer), bias.values.front());
  if (static_cast<Index>(bias.values.size()) != outer ||
      (!bias.sizes.empty() && bias.count() > 1 && bias.sizes.back() != outer))
    not_covered("a bias of its own for every row");
  t.give("bias", bias);
}

void map_add(Translator& t) {
  const bool swapped = t.input(0).count() < t.input(1).count();
  const OnnxTensor& src = t.input(swapped ? 1 : 0);
  const OnnxTensor& other = t.input(swapped ? 0 : 1);
  if (other.count() == 0 || !repeats_along_first_axes(other, src))
    not_covered("repetition along other than first axes");
  t.operation("add");
  t.set("mb", src.count() / other.count());
  t.set("c", other.count());
  t.set("iw", 1);
  if (src.count() != other.count()) t.set("bn", 1);
  t.give("src", src);
  t.give("other", other);
  t.expect("dst", 0);
}

void map_concat(Translator& t) {
  if (t.has_input(2)) not_covered("more than two tensors");
  const OnnxTensor& src = t.input(0);
  const Index axis = Translator::axis_of(t.integer("axis", 1), src);
  if (t.input(1).sizes.size() != src.sizes.size() || axis == static_cast<Index>(src.sizes.size()))
    not_covered("tensors of other axes");
  t.operation("concat");
  t.set_block(src, axis, axis + 1);
  t.set("c2", t.input(1).sizes[static_cast<size_t>(axis)]);
  take_src(t);
  t.give("other", t.input(1));
}

void map_flatten(Translator& t) {
  const OnnxTensor& src = t.input(0);
  t.operation("flatten");
  t.set_block(src, Translator::axis_of(t.integer("axis", 1), src), static_cast<Index>(src.sizes.size()));
  take_src(t);
}

void map_dropout(Translator& t) {
  const bool training = t.version() >= 12 && t.has_input(2) && t.scalar_input(2) != 0;
  const double share = t.version() >= 12 ? (t.has_input(1) ? t.scalar_input(1) : 0.5) : t.real("ratio", 0.5);
  if (training && share != 0) not_covered("random numbers of a generator that ONNX does not name");
  t.operation("dropout");
  as_row(t, t.input(0));
  t.set("training", 0);
  take_src(t);
  t.leave_out(1, "ours keeps no mask");
}

// Losses of rows: samples and all axes of space.
Entry class_loss(const char* name, const char* rest) {
  return [=](Translator& t) {
    const OnnxTensor& src = t.input(0);
    const std::string reduction = t.text("reduction", "mean");
    if (src.sizes.size() < 2) not_covered("scores without classes");
    t.operation(name);
    t.set_block(src, 1, 2);
    t.set("reduction", reduction == "none" ? 0 : reduction == "mean" ? 1 : 2);
    t.set("weighted", t.has_input(2) ? 1 : 0);
    t.set("ignore_index", t.integer("ignore_index", -100));
    take_src(t);
    t.give("target", t.any_input(1));
    if (t.has_input(2)) t.give("class_weights", t.input(2));
    t.leave_out(1, rest);
  };
}

const std::map<std::string, Entry, std::less<>>& entries() {
  static const std::map<std::string, Entry, std::less<>> table{
      {"Add", map_add},
      {"AveragePool", map_average_pool},
      {"BatchNormalization", map_batch_normalization},
      {"Celu", elementwise("celu", {{"alpha", "alpha", 1}})},
      {"Clip", map_clip},
      {"Concat", map_concat},
      {"Conv", map_conv},
      {"ConvTranspose", map_conv_transpose},
      {"DeformConv", map_deform_conv},
      {"Dropout", map_dropout},
      {"Elu", map_elu},
      {"Flatten", map_flatten},
      {"Gelu", map_gelu},
      {"Gemm", map_gemm},
      {"GlobalAveragePool", global_pool("global_avg_pool")},
      {"GlobalMaxPool", global_pool("global_max_pool")},
      {"GroupNormalization", map_group_normalization},
      {"HardSigmoid", map_hard_sigmoid},
      {"HardSwish", elementwise("hard_swish")},
      {"InstanceNormalization", map_instance_normalization},
      {"LRN", map_lrn},
      {"LayerNormalization", map_layer_normalization},
      {"LeakyRelu", elementwise("leaky_relu", {{"alpha", "slope", 0.01}})},
      {"LogSoftmax", along_axis("log_softmax")},
      {"LpPool", map_lp_pool},
      {"MatMul", map_matmul},
      {"MaxPool", map_max_pool},
      {"MaxUnpool", map_max_unpool},
      {"Mish", elementwise("mish")},
      {"NegativeLogLikelihoodLoss", class_loss("nll", "there is none")},
      {"PRelu", map_prelu},
      {"Relu", elementwise("relu")},
      {"Selu", map_selu},
      {"Sigmoid", elementwise("sigmoid")},
      {"Sign", elementwise("sign")},
      {"Softmax", along_axis("softmax")},
      {"SoftmaxCrossEntropyLoss", class_loss("softmax_cross_entropy", "ours keeps no logarithms")},
      {"Softplus", elementwise("softplus")},
      {"Softsign", elementwise("softsign")},
      {"Tanh", elementwise("tanh")},
      {"ThresholdedRelu", map_thresholded_relu},
  };
  return table;
}

}  // namespace

Mapped map_onnx_test(const OnnxTest& test) {
  const auto entry = entries().find(test.op);
  if (entry == entries().end()) not_covered("no operation of ours is {}", test.op);
  Translator translator(test);
  entry->second(translator);
  return translator.done();
}

}  // namespace gradproof
