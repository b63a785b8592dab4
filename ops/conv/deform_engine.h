// The deformable engine: what deform_conv and deform_layer consist of, on dense float32 tensors.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ops/conv/deform_conv.h"

namespace gradproof {

// What is computed in one run. kFields: the gradients of offset and mask, either of which may be left out. (The
// gradient of the bias is plan_channel_sums.)
enum class DeformPass { kForward, kSrc, kFields, kWeights };

struct DeformShape {
  DeformConvAttributes attributes;
  // Elements from one image to the next of offset and diff_offset, and of mask and diff_mask.
  Index offset_image, mask_image;

  // Offsets and masks in dense tensors of their own.
  static DeformShape dense(const DeformConvAttributes& a) {
    return {a, a.offset_channels() * a.window.out_count(), a.mask_channels() * a.window.out_count()};
  }
};

// Dense tensors, in the layouts of deform_conv.h; those that a pass does not read or write may be null. `mask` may be
// null where there is none, `bias` where it is left out.
struct DeformTensors {
  const float* src = nullptr;
  const float* offset = nullptr;
  const float* mask = nullptr;
  const float* weights = nullptr;
  const float* bias = nullptr;
  const float* diff_dst = nullptr;
  float* dst = nullptr;
  float* diff_src = nullptr;
  float* diff_offset = nullptr;
  float* diff_mask = nullptr;
  float* diff_weights = nullptr;
};

// Plans from shapes and owns its workspace; run() depends on values and allocates nothing. Bits do not depend on the
// number of threads.
class DeformSum {
 public:
  DeformSum() = default;
  DeformSum(const DeformSum&) = delete;
  DeformSum& operator=(const DeformSum&) = delete;
  virtual ~DeformSum() = default;
  virtual void run(const DeformTensors& tensors) = 0;
  // The instruction set that run() uses, as the compiled code itself reports it.
  virtual std::string isa() const = 0;
};

// Dispatches to the target that Highway chooses at that moment.
std::unique_ptr<DeformSum> plan_deform(const DeformShape& shape, DeformPass pass, int threads);

// The reason why the engine cannot take these sizes, or nothing.
std::optional<std::string> deform_engine_limit(const DeformConvAttributes& a);

// Roundings on the longest path to an element of `tensor` ("dst", "diff_src", ...), the bias left out, from offsets and
// masks of the given depths.
double deform_engine_depth(const DeformConvAttributes& a, std::string_view tensor, const FieldDepths& fields);

}  // namespace gradproof
