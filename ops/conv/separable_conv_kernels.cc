// The two vectors of every kernel are multiplied out, and the convolution engine does the rest. That trades kh * kw
// multiply-adds a pixel for kh + kw, and the two passes over memory that a pair of channels would need of its own for
// none.
#include "ops/conv/separable_conv_kernels.h"

#include "ops/conv/engine.h"
#include "ops/conv/separable_conv.h"
#include "ops/core/memory.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

// Kernels [oc * ic/g][kh][kw] and their vectors.
struct Kernels {
  Index count, rows, columns;

  explicit Kernels(const ConvAttributes& a)
      : count(a.oc * a.ic_per_group()), rows(a.window.axes[1].kernel), columns(a.window.axes[2].kernel) {}
  Index size() const { return count * rows * columns; }

  // full[k,r,c] = v[k,r] * h[k,c]
  void expand(const float* v, const float* h, float* full) const {
    for (Index k = 0; k < count; ++k, h += columns)
      for (Index r = 0; r < rows; ++r, ++v)
        for (Index c = 0; c < columns; ++c) *full++ = *v * h[c];
  }

  // diff_v[k,r] = sum over c of diff[k,r,c] * h[k,c]
  void contract_columns(const float* diff, const float* h, float* diff_v) const {
    for (Index k = 0; k < count; ++k, h += columns)
      for (Index r = 0; r < rows; ++r) {
        float sum = 0;
        for (Index c = 0; c < columns; ++c) sum += *diff++ * h[c];
        *diff_v++ = sum;
      }
  }

  // diff_h[k,c] = sum over r of diff[k,r,c] * v[k,r]
  void contract_rows(const float* diff, const float* v, float* diff_h) const {
    for (Index k = 0; k < count; ++k, diff += rows * columns, v += rows)
      for (Index c = 0; c < columns; ++c) {
        float sum = 0;
        for (Index r = 0; r < rows; ++r) sum += diff[r * columns + c] * v[r];
        *diff_h++ = sum;
      }
  }
};

float* floats(std::span<const TensorRef> arguments, int index) {
  return index < 0 ? nullptr : arguments[static_cast<size_t>(index)].floats();
}

// Forward, and the gradient of src: `sum` takes the tensor `data` and the full kernels.
class ExpandedKernel final : public Kernel {
 public:
  ExpandedKernel(const ConvAttributes& a, std::unique_ptr<ConvSum> sum, const std::vector<Argument>& arguments,
                 std::string_view data, std::string_view out)
      : kernels_(a),
        weights_(zeroed_floats(kernels_.size())),
        sum_(std::move(sum)),
        data_(argument_index(arguments, data)),
        v_(argument_index(arguments, "weights_v")),
        h_(argument_index(arguments, "weights_h")),
        bias_(out == "dst" ? argument_index(arguments, "bias") : -1),
        out_(argument_index(arguments, out)) {}

  void run(std::span<const TensorRef> arguments) override {
    kernels_.expand(floats(arguments, v_), floats(arguments, h_), weights_.get());
    sum_->run(floats(arguments, data_), weights_.get(), floats(arguments, bias_), floats(arguments, out_));
  }

  std::string isa() const override { return sum_->isa(); }

 private:
  Kernels kernels_;
  AlignedMemory<float> weights_;
  std::unique_ptr<ConvSum> sum_;
  int data_, v_, h_, bias_, out_;
};

// The gradient of one vector: that of the full kernels, contracted with the other vector.
class ContractedKernel final : public Kernel {
 public:
  ContractedKernel(const ConvAttributes& a, std::unique_ptr<ConvSum> sum, const std::vector<Argument>& arguments,
                   bool vertical)
      : kernels_(a),
        vertical_(vertical),
        diff_weights_(zeroed_floats(kernels_.size())),
        sum_(std::move(sum)),
        src_(argument_index(arguments, "src")),
        diff_dst_(argument_index(arguments, "diff_dst")),
        other_(argument_index(arguments, vertical ? "weights_h" : "weights_v")),
        out_(argument_index(arguments, vertical ? "diff_weights_v" : "diff_weights_h")) {}

  void run(std::span<const TensorRef> arguments) override {
    sum_->run(floats(arguments, src_), floats(arguments, diff_dst_), nullptr, diff_weights_.get());
    const float* other = floats(arguments, other_);
    if (vertical_)
      kernels_.contract_columns(diff_weights_.get(), other, floats(arguments, out_));
    else
      kernels_.contract_rows(diff_weights_.get(), other, floats(arguments, out_));
  }

  std::string isa() const override { return sum_->isa(); }

 private:
  Kernels kernels_;
  bool vertical_;
  AlignedMemory<float> diff_weights_;
  std::unique_ptr<ConvSum> sum_;
  int src_, diff_dst_, other_, out_;
};

std::unique_ptr<Kernel> prepare_separable_conv(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const ConvAttributes a = conv_attributes(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  const int threads = options.threads;
  if (pass.slot == "src")
    return std::make_unique<ExpandedKernel>(a, plan_conv_data_gradient(a, threads), arguments, "diff_dst", "diff_src");
  if (pass.slot == "bias")
    return make_conv_kernel(plan_channel_sums(a.mb, a.oc, a.window.out_count(), threads), arguments,
                            {"diff_dst", "", "", "diff_bias"});
  if (!pass.is_forward())
    return std::make_unique<ContractedKernel>(a, plan_conv_weights_gradient(a, threads), arguments,
                                              pass.slot == "weights_v");
  return std::make_unique<ExpandedKernel>(a, plan_conv_forward(a, threads), arguments, "src", "dst");
}

// The engine's, and one rounding for v * h; or as many as the contraction has products: one for the first product, and
// one for each sum.
double separable_conv_kernel_depth(const Case& c, const Pass& pass, std::string_view) {
  const ConvAttributes a = conv_attributes(c.attributes);
  const Kernels kernels(a);
  if (pass.slot == "src") return conv_data_gradient_depth(a) + 1;
  if (pass.slot == "bias") return channel_sums_depth();
  if (pass.slot == "weights_v") return conv_weights_gradient_depth(a) + static_cast<double>(kernels.columns);
  if (pass.slot == "weights_h") return conv_weights_gradient_depth(a) + static_cast<double>(kernels.rows);
  return conv_forward_depth(a) + 1 + (a.bias ? 1 : 0);
}

}  // namespace

std::vector<Implementation> separable_conv_simd_implementations() {
  return simd_implementations(
      {[](const Case& c, const Pass&) { return conv_engine_limit(conv_attributes(c.attributes)); },
       prepare_separable_conv, separable_conv_kernel_depth});
}

}  // namespace gradproof
