// The coordinates are planes of a workspace, filled when planning; src is copied in front of them, which costs one pass
// over it, and the convolution engine does the rest.
#include "ops/conv/coord_conv_kernels.h"

#include <algorithm>
#include <cmath>

#include "ops/conv/coord_conv.h"
#include "ops/conv/engine.h"
#include "ops/core/memory.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

// The convolution of all channels, and the one whose gradient reaches src: the first ic of them.
ConvShape whole_shape(const CoordConvAttributes& a) {
  return {.mb = a.mb, .ic = a.channels(), .oc = a.oc, .g = 1, .window = a.window};
}
ConvShape source_shape(const CoordConvAttributes& a) {
  return {.mb = a.mb, .ic = a.ic, .oc = a.oc, .g = 1, .window = a.window, .weights_ic = a.channels()};
}

// In double, so that float32 rounds it once: 2^-53 more is not a roundoff of float32 more.
double coordinate(Index position, Index size) {
  return size == 1 ? 0 : static_cast<double>(2 * position - (size - 1)) / static_cast<double>(size - 1);
}

// The planes i, j and r of one image, one behind the other.
void fill_coordinates(const CoordConvAttributes& a, float* planes) {
  const Index rows = a.window.axes[1].in;
  const Index columns = a.window.axes[2].in;
  for (Index ih = 0; ih < rows; ++ih)
    for (Index iw = 0; iw < columns; ++iw, ++planes) {
      const double i = coordinate(ih, rows);
      const double j = coordinate(iw, columns);
      planes[0] = static_cast<float>(i);
      planes[rows * columns] = static_cast<float>(j);
      if (a.radius) planes[2 * rows * columns] = static_cast<float>(std::sqrt(i * i + j * j));
    }
}

// The passes that see the coordinates: forward (right: weights) and the gradient of the weights (right: diff_dst).
class CoordConvKernel final : public Kernel {
 public:
  CoordConvKernel(const CoordConvAttributes& a, std::unique_ptr<ConvSum> sum, int threads,
                  const std::vector<Argument>& arguments, const ConvOperands& operands)
      : mb_(a.mb),
        source_size_(a.ic * a.window.in_count()),
        image_size_(a.channels() * a.window.in_count()),
        threads_(threads),
        images_(zeroed_floats(a.mb * image_size_)),
        sum_(std::move(sum)),
        src_(argument_index(arguments, operands.left)),
        right_(argument_index(arguments, operands.right)),
        bias_(argument_index(arguments, operands.bias)),
        out_(argument_index(arguments, operands.out)) {
    for (Index n = 0; n < mb_; ++n) fill_coordinates(a, images_.get() + n * image_size_ + source_size_);
  }

  void run(std::span<const TensorRef> arguments) override {
    const auto floats = [&](int index) { return index < 0 ? nullptr : arguments[static_cast<size_t>(index)].floats(); };
    parallel_tiles(threads_, mb_, [&](Index n) {
      std::copy_n(floats(src_) + n * source_size_, source_size_, images_.get() + n * image_size_);
    });
    sum_->run(images_.get(), floats(right_), floats(bias_), floats(out_));
  }

  std::string isa() const override { return sum_->isa(); }

 private:
  Index mb_, source_size_, image_size_;  // sizes of one image
  int threads_;
  AlignedMemory<float> images_;  // [mb][ic + 2 or 3][ih][iw]
  std::unique_ptr<ConvSum> sum_;
  int src_, right_, bias_, out_;
};

std::unique_ptr<Kernel> prepare_coord_conv(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const CoordConvAttributes a = coord_conv_attributes(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  const int threads = options.threads;
  if (pass.slot == "src")
    return make_conv_kernel(plan_conv_data_gradient(source_shape(a), threads), arguments,
                            {"diff_dst", "weights", "", "diff_src"});
  if (pass.slot == "bias")
    return make_conv_kernel(plan_channel_sums(a.mb, a.oc, a.window.out_count(), threads), arguments,
                            {"diff_dst", "", "", "diff_bias"});
  if (pass.slot == "weights")
    return std::make_unique<CoordConvKernel>(a, plan_conv_weights_gradient(whole_shape(a), threads), threads, arguments,
                                             ConvOperands{"src", "diff_dst", "", "diff_weights"});
  return std::make_unique<CoordConvKernel>(a, plan_conv_forward(whole_shape(a), threads), threads, arguments,
                                           ConvOperands{"src", "weights", "bias", "dst"});
}

// The engine's, and one rounding for what float32 cannot hold of a coordinate.
double coord_conv_kernel_depth(const Case& c, const Pass& pass, std::string_view) {
  const CoordConvAttributes a = coord_conv_attributes(c.attributes);
  if (pass.slot == "src") return conv_data_gradient_depth(source_shape(a));
  if (pass.slot == "bias") return channel_sums_depth();
  if (pass.slot == "weights") return conv_weights_gradient_depth(whole_shape(a)) + 1;
  return conv_forward_depth(whole_shape(a)) + 1 + (a.bias ? 1 : 0);
}

}  // namespace

std::vector<Implementation> coord_conv_simd_implementations() {
  const auto unsupported = [](const Case& c, const Pass&) {
    return conv_engine_limit(whole_shape(coord_conv_attributes(c.attributes)));
  };
  return simd_implementations({unsupported, prepare_coord_conv, coord_conv_kernel_depth});
}

}  // namespace gradproof
