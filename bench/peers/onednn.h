// oneDNN as a peer: what its operations share. An operation's file says in oneDNN's words what a pass is (Problem);
// from that come up to three implementations:
//   onednn           dense tensors in and out. Planned twice, with the layouts that oneDNN prefers and reorders inside
//                    run(), and with dense layouts throughout; the one that is faster on the spot is taken, once a
//                    process, case and pass. A reference loop of oneDNN ("ref:any") is only taken where there is
//                    nothing else.
//   onednn-winograd  the same with another algorithm.
//   onednn-blocked   tensors in oneDNN's preferred layouts; the reorders are in load() and store(), and not timed.
#pragma once

#include <dnnl.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof::onednn {

using dnnl::memory;

enum class Layout { kDense, kPreferred };

memory::desc dense_desc(const memory::dims& dims, memory::data_type type = memory::data_type::f32);

// One tensor of a primitive.
struct Tensor {
  std::string name;   // of the pass's argument; a name that is none is a buffer that the plan owns
  int key;            // DNNL_ARG_...
  memory::dims dims;  // the argument's sizes as the primitive wants them
  memory::data_type type = memory::data_type::f32;
  memory::dims strides{};  // of the argument, where its axes come in another order than `dims`; empty: dense

  memory::desc argument_desc() const {
    return strides.empty() ? dense_desc(dims, type) : memory::desc(dims, type, strides);
  }
};

// Arguments and owned buffers by name, as dense floats.
using Values = std::function<float*(const std::string& name)>;

// One pass of a case.
struct Problem {
  std::vector<Tensor> tensors;
  // The primitive with its tensors in such layouts. Throws dnnl::error where oneDNN has none.
  std::function<dnnl::primitive_desc(Layout)> describe;
  // Of a gradient that may want the workspace of a forward primitive: that one, for the same layouts. It is executed in
  // load() and not timed, since training has executed it anyway.
  std::function<dnnl::primitive_desc(const dnnl::primitive_desc&)> forward_of = nullptr;
  // What oneDNN leaves to its caller, part of run(): before and after the primitive.
  std::function<void(const Values&)> before = nullptr, after = nullptr;
};

// What an operation's file says about itself.
struct Offer {
  std::function<Problem(const Case&, const Pass&)> problem;
  // Reasons beyond those that oneDNN itself has for refusing.
  std::function<std::optional<std::string>(const Case&, const Pass&)> unsupported = nullptr;
  std::function<double(const Case&, const Pass&, std::string_view slot)> depth = nullptr;  // empty: the Spec's
};

Implementation plain_implementation(std::string name, const Offer& offer);
Implementation blocked_implementation(std::string name, const Offer& offer);
// "onednn" and "onednn-blocked".
std::vector<Implementation> implementations(const Offer& offer);

std::vector<Implementation> conv_implementations();
std::vector<Implementation> conv_transpose_implementations();
std::vector<Implementation> max_pool_implementations();
std::vector<Implementation> avg_pool_implementations();
std::vector<Implementation> global_avg_pool_implementations();
std::vector<Implementation> batch_norm_implementations();
std::vector<Implementation> layer_norm_implementations();
std::vector<Implementation> lrn_implementations();
// By operation: all nonlinearities that oneDNN has.
std::map<std::string, std::vector<Implementation>> activation_implementations();
std::vector<Implementation> linear_implementations();
std::vector<Implementation> softmax_implementations();
std::vector<Implementation> log_softmax_implementations();
std::vector<Implementation> add_implementations();
std::vector<Implementation> concat_implementations();

// The processor; there is one engine and one stream in the process.
const dnnl::engine& engine();
std::string version();  // of the library that runs

// Dense, or format_tag::any.
memory::desc any_desc(const memory::dims& dims, Layout layout);
// Dense, or channels in blocks of one vector: for primitives that take the layout that they are given.
memory::desc channels_desc(const memory::dims& dims, Layout layout);

// {batch, channels, [d,] [h,] w} of an operation's Shape.
memory::dims dims_of(const Shape& shape);
// One number for each spatial axis of the window.
template <class Number>
memory::dims per_axis(const Window& window, Number number) {
  memory::dims result;
  for (int axis = 3 - window.rank; axis < 3; ++axis) result.push_back(number(window.axes[static_cast<size_t>(axis)]));
  return result;
}
// Padding behind the input. It is stated from the output size, which may have been rounded up.
inline Index padding_behind(const WindowAxis& a) { return (a.out() - 1) * a.stride + a.extent() - a.in - a.pad_lo; }

// The gradient of a bias alone, a sum of diff_dst over every axis but the channels, by oneDNN's reduction, where that
// is more than a reference loop: nobody would use one (80 to 280 times our time), since the sum comes with the gradient
// of the weights.
Problem channel_sum(const memory::dims& diff_dst, const std::string& result);

}  // namespace gradproof::onednn
