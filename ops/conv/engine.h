// The convolution engine: the sums that every operation of the family consists of, on dense float32 tensors.
//
// A convolution in the sense of this page is conv's: dst[n,o,p] = bias[o] + sum over i,k of weights[o,i,k] *
// src[n,i,p*s-pad+k*d], tensors dense row-major, weights [oc][ic/g][kd][kh][kw]. Other operations are these sums with
// the tensors in other roles: a transposed convolution is the data gradient, with a bias.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/implementation.h"
#include "ops/core/window.h"

namespace gradproof {

struct ConvShape {
  Index mb, ic, oc, g;
  Window window;
  // Input channels per group that the weights tensor has, where it has more than the ic/g that take part (which are the
  // first ones); 0: no more.
  Index weights_ic = 0;

  Index ic_per_group() const { return ic / g; }
  Index oc_per_group() const { return oc / g; }
  Index weights_channels() const { return weights_ic > 0 ? weights_ic : ic_per_group(); }
};

// One planned sum. It owns its workspace: not reentrant, no allocation in run().
class ConvSum {
 public:
  ConvSum() = default;
  ConvSum(const ConvSum&) = delete;
  ConvSum& operator=(const ConvSum&) = delete;
  virtual ~ConvSum() = default;

  // Overwrites `out`, which aliases nothing. `bias` is null where there is none. The same bits for every number of
  // threads, and for every instruction set that has a fused multiply-add.
  virtual void run(const float* left, const float* right, const float* bias, float* out) = 0;

  // The instruction set that run() uses, as the compiled code itself reports it.
  virtual std::string isa() const = 0;
};

// The plans dispatch to the target that Highway chooses at that moment.
//   forward            src, weights, bias[oc]      -> dst
//   data gradient      diff_dst, weights, bias[ic] -> diff_src (+ bias: what a transposed convolution adds)
//   weights gradient   src, diff_dst               -> diff_weights (weights_ic must be 0)
//   channel sums       x [mb][channels][size]      -> sums[channels], added in double
std::unique_ptr<ConvSum> plan_conv_forward(const ConvShape& shape, int threads);
std::unique_ptr<ConvSum> plan_conv_data_gradient(const ConvShape& shape, int threads);
std::unique_ptr<ConvSum> plan_conv_weights_gradient(const ConvShape& shape, int threads);
std::unique_ptr<ConvSum> plan_channel_sums(Index mb, Index channels, Index size, int threads);

// Roundings on the longest path to an element, the bias left out.
double conv_forward_depth(const ConvShape& shape);
double conv_data_gradient_depth(const ConvShape& shape);
double conv_weights_gradient_depth(const ConvShape& shape);
double channel_sums_depth();

// Why the engine cannot plan a shape, or nothing when it can: offsets into planes and weights are 32-bit.
std::optional<std::string> conv_engine_limit(const ConvShape& shape);

// The Kernel of a pass that is one sum: finds the arguments called left, right, bias and out in the pass's. Names that
// the case does not have are null.
struct ConvOperands {
  std::string_view left, right, bias, out;
};
std::unique_ptr<Kernel> make_conv_kernel(std::unique_ptr<ConvSum> sum, const std::vector<Argument>& arguments,
                                         const ConvOperands& operands);

}  // namespace gradproof
