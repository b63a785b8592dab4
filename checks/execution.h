// Execution: one implementation on one set of inputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/core/buffer.h"
#include "ops/core/implementation.h"
#include "ops/core/tensor.h"

namespace gradproof {

struct ExecutionOptions {
  int threads = 1;
  Index misalignment = 0;  // elements by which every buffer is off its 64-byte boundary
};

// Implementation::prepare, one caller at a time: a forced target is a state of the whole process. Throws
// std::logic_error where the kernel runs another instruction set than the implementation's name promises.
std::unique_ptr<Kernel> prepare_kernel(const Implementation& implementation, const Case& c, const Pass& pass,
                                       int threads);
// The same for prepare_strided, one thread.
std::unique_ptr<Kernel> prepare_strided_kernel(const Implementation& implementation, const Case& c, const Pass& pass,
                                               std::span<const Strides> strides);

// Why the implementation cannot be asked for the pass, or nothing. A VJP that reads saved tensors needs the forward
// pass of the same implementation, as in training.
std::optional<std::string> unsupported_reason(const Implementation& implementation, const Case& c, const Pass& pass);

// The dense arguments of the pass in fenced buffers: inputs filled, saved tensors from the implementation's own forward
// pass, outputs NaN until run().
class Execution {
 public:
  Execution(const Case& c, const Pass& pass, const Implementation& implementation, const Arrays<float>& inputs,
            ExecutionOptions options = {});

  // Outputs are made NaN before every run.
  void run();

  const std::vector<Argument>& arguments() const { return arguments_; }
  const std::vector<TensorRef>& refs() const { return refs_; }
  Kernel& kernel() { return *kernel_; }
  // The bytes of all outputs, one after the other.
  std::vector<unsigned char> output_bytes() const;
  // "diff_src: 4 bytes past its end" for a damaged fence, or nothing.
  std::optional<std::string> damage() const;

 private:
  void fill_inputs(const Arrays<float>& inputs);
  void fill_saved(const Case& c, const Implementation& implementation, const Arrays<float>& inputs,
                  ExecutionOptions options);

  std::vector<Argument> arguments_;
  std::vector<Buffer> buffers_;
  std::vector<TensorRef> refs_;
  std::unique_ptr<Kernel> kernel_;
};

}  // namespace gradproof
