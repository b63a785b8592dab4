// Implementation: somebody's float32 kernels for an operation, ours or a peer's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/case.h"
#include "ops/core/tensor.h"

namespace gradproof {

struct Implementation;

// What a kernel that is made of others' had one of them do: a pass of a case, on tensors that are arguments of the
// whole or lie in between.
struct KernelPart {
  Case c;
  Pass pass;
  const Implementation* implementation;
  std::vector<TensorRef> arguments;  // as Kernel::run takes them; they hold what the last run left
};

// A planned computation. Planning sees shapes only; whatever depends on tensor values happens in run().
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  // `arguments` are the tensors of arguments_of(spec, attributes, pass), in that order. Inputs are not changed; outputs
  // are dense, overwritten in full whatever they held, and alias nothing. Inputs must be dense unless the plan was made
  // by prepare_strided(). Not reentrant: a kernel owns its workspace.
  virtual void run(std::span<const TensorRef> arguments) = 0;

  // For kernels that keep tensors in a layout of their own, which must say so in their name: load() brings the inputs
  // into it before run(), store() brings the outputs back after it. Neither is timed, so run() is then not the whole
  // work on the caller's tensors. Other kernels leave both empty.
  virtual void load(std::span<const TensorRef> /*arguments*/) {}
  virtual void store(std::span<const TensorRef> /*arguments*/) {}

  // load, run, store: what makes the outputs valid, whatever the kernel.
  void execute(std::span<const TensorRef> arguments) {
    load(arguments);
    run(arguments);
    store(arguments);
  }

  // The parts in the order in which run() has them done, each tensor written by one of them; none where a kernel does
  // it all itself.
  virtual std::vector<KernelPart> parts() const { return {}; }

  // The instruction set that run() really uses, as the compiled code itself reports it ("AVX3", "AVX2", "SCALAR").
  virtual std::string isa() const = 0;
};

struct PrepareOptions {
  int threads = 1;
};

struct Implementation {
  std::string name;  // "simd", "simd@avx2", "onednn", ...
  // Somebody else's: it is compared with ours by the same oracles and timings, and what it fails is a finding about it.
  bool peer = false;
  // The code of the implementation before it under another name ("simd@avx3" where "simd" runs AVX-512).
  bool alias = false;
  // The instruction set that its kernels run, where the name promises one; empty: no matter.
  std::string isa{};
  // The reason why a pass of a case is not supported, or nothing when it is.
  std::function<std::optional<std::string>(const Case&, const Pass&)> unsupported;
  // Plans and allocates. Only called where unsupported() returned nothing.
  std::function<std::unique_ptr<Kernel>(const Case&, const Pass&, const PrepareOptions&)> prepare;
  // Roundings on the kernel's longest path to an element of `slot` (an output argument's name); empty: the Spec's.
  std::function<double(const Case&, const Pass&, std::string_view slot)> depth = nullptr;

  double depth_of(const Case& c, const Pass& pass, std::string_view slot) const {
    return depth ? depth(c, pass, slot) : c.spec->depth(c.attributes, pass, slot);
  }
};

// Number of the argument called `name`, or -1 when the case does not have it.
int argument_index(std::span<const Argument> arguments, std::string_view name);

// A kernel for inputs with any layout strides (also 0): inputs that are not dense are copied first, which is part of
// run(). `strides` has one entry an argument, those of outputs are ignored.
std::unique_ptr<Kernel> prepare_strided(const Implementation& implementation, const Case& c, const Pass& pass,
                                        const PrepareOptions& options, std::span<const Strides> strides);

}  // namespace gradproof
