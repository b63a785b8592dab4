#include "checks/execution.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "checks/inputs.h"

namespace gradproof {
namespace {

std::mutex dispatch;

template <typename T>
void copy_values(const std::vector<float>& values, T* to) {
  std::transform(values.begin(), values.end(), to, [](float value) { return static_cast<T>(value); });
}

// Numbers that the type of the tensor holds.
void copy_values(const std::vector<float>& values, const TensorRef& to) {
  switch (to.type) {
    case ElementType::kFloat32:
      return copy_values(values, to.floats());
    case ElementType::kUint8:
      return copy_values(values, to.bytes());
    case ElementType::kInt32:
      return copy_values(values, to.ints());
  }
}

}  // namespace

std::unique_ptr<Kernel> prepare_kernel(const Implementation& implementation, const Case& c, const Pass& pass,
                                       int threads) {
  const std::lock_guard<std::mutex> lock(dispatch);
  std::unique_ptr<Kernel> kernel = implementation.prepare(c, pass, {threads});
  if (!implementation.isa.empty() && kernel->isa() != implementation.isa)
    throw std::logic_error(
        fmt::format("{} runs {} where its name promises {}", implementation.name, kernel->isa(), implementation.isa));
  return kernel;
}

std::unique_ptr<Kernel> prepare_strided_kernel(const Implementation& implementation, const Case& c, const Pass& pass,
                                               std::span<const Strides> strides) {
  const std::lock_guard<std::mutex> lock(dispatch);
  return prepare_strided(implementation, c, pass, {1}, strides);
}

std::optional<std::string> unsupported_reason(const Implementation& implementation, const Case& c, const Pass& pass) {
  if (auto reason = implementation.unsupported(c, pass)) return reason;
  if (pass.is_forward()) return {};
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass)) {
    if (argument.written || !is_saved(*c.spec, argument.name)) continue;
    if (const auto reason = implementation.unsupported(c, Pass::forward()))
      return fmt::format("{} comes from the forward pass, and: {}", argument.name, *reason);
  }
  return {};
}

Execution::Execution(const Case& c, const Pass& pass, const Implementation& implementation, const Arrays<float>& inputs,
                     ExecutionOptions options)
    : arguments_(arguments_of(*c.spec, c.attributes, pass)),
      kernel_(prepare_kernel(implementation, c, pass, options.threads)) {
  for (const Argument& argument : arguments_) {
    buffers_.emplace_back(argument.shape, argument.type, options.misalignment);
    refs_.push_back(buffers_.back().ref());
  }
  fill_inputs(inputs);
  if (!pass.is_forward()) fill_saved(c, implementation, inputs, options);
}

void Execution::fill_inputs(const Arrays<float>& inputs) {
  for (size_t i = 0; i < arguments_.size(); ++i)
    if (const auto input = inputs.find(arguments_[i].name); input != inputs.end() && !arguments_[i].written)
      copy_values(input->second.values, refs_[i]);
}

void Execution::fill_saved(const Case& c, const Implementation& implementation, const Arrays<float>& inputs,
                           ExecutionOptions options) {
  std::unique_ptr<Execution> forward;
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (arguments_[i].written || !is_saved(*c.spec, arguments_[i].name)) continue;
    if (!forward) {
      forward = std::make_unique<Execution>(c, Pass::forward(), implementation, inputs, options);
      forward->run();
    }
    const auto from = static_cast<size_t>(argument_index(forward->arguments(), arguments_[i].name));
    std::memcpy(refs_[i].data, forward->refs()[from].data, static_cast<size_t>(buffers_[i].byte_count()));
  }
}

void Execution::run() {
  for (size_t i = 0; i < arguments_.size(); ++i)
    if (arguments_[i].written) buffers_[i].poison();
  kernel_->execute(refs_);
}

std::vector<unsigned char> Execution::output_bytes() const {
  std::vector<unsigned char> bytes;
  for (size_t i = 0; i < arguments_.size(); ++i) {
    const auto* first = static_cast<const unsigned char*>(refs_[i].data);
    if (arguments_[i].written) bytes.insert(bytes.end(), first, first + buffers_[i].byte_count());
  }
  return bytes;
}

std::optional<std::string> Execution::damage() const {
  for (size_t i = 0; i < arguments_.size(); ++i)
    if (const std::optional<Index> offset = buffers_[i].damaged_fence())
      return fmt::format("wrote outside {}, at byte {} of its {} bytes", arguments_[i].name, *offset,
                         buffers_[i].byte_count());
  return {};
}

}  // namespace gradproof
