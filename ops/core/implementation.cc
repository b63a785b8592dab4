#include "ops/core/implementation.h"

#include <cstring>

#include "ops/core/buffer.h"

namespace gradproof {
namespace {

void copy_strided(const TensorRef& from, void* to) {
  if (element_count(from.shape) == 0) return;
  const Index size = element_size(from.type);
  const Index inner = from.shape.rank() == 0 ? 0 : from.strides[from.shape.rank() - 1];
  Shape outer = from.shape;
  const int last = from.shape.rank() - 1;
  outer[last] = 1;
  Position position = Position::filled(from.shape.rank(), 0);
  auto* out = static_cast<char*>(to);
  do {
    Index offset = 0;
    for (int axis = 0; axis < last; ++axis) offset += position[axis] * from.strides[axis];
    const char* in = static_cast<const char*>(from.data) + offset * size;
    for (Index i = 0; i < from.shape[last]; ++i, out += size, in += inner * size)
      std::memcpy(out, in, static_cast<size_t>(size));
  } while (advance(position, outer));
}

class StridedKernel final : public Kernel {
 public:
  StridedKernel(std::unique_ptr<Kernel> dense, const std::vector<Argument>& arguments, std::span<const Strides> strides)
      : dense_(std::move(dense)), copies_(arguments.size()) {
    for (size_t i = 0; i < arguments.size(); ++i)
      if (!arguments[i].written && !(strides[i] == dense_strides(arguments[i].shape)))
        copies_[i] = std::make_unique<Buffer>(arguments[i].shape, arguments[i].type);
  }

  void run(std::span<const TensorRef> arguments) override {
    dense_arguments_.assign(arguments.begin(), arguments.end());
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (!copies_[i]) continue;
      copy_strided(arguments[i], copies_[i]->ref().data);
      dense_arguments_[i] = copies_[i]->ref();
    }
    dense_->execute(dense_arguments_);
  }

  std::string isa() const override { return dense_->isa(); }

 private:
  std::unique_ptr<Kernel> dense_;
  std::vector<std::unique_ptr<Buffer>> copies_;
  std::vector<TensorRef> dense_arguments_;
};

}  // namespace

int argument_index(std::span<const Argument> arguments, std::string_view name) {
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].name == name) return static_cast<int>(i);
  return -1;
}

std::unique_ptr<Kernel> prepare_strided(const Implementation& implementation, const Case& c, const Pass& pass,
                                        const PrepareOptions& options, std::span<const Strides> strides) {
  return std::make_unique<StridedKernel>(implementation.prepare(c, pass, options),
                                         arguments_of(*c.spec, c.attributes, pass), strides);
}

}  // namespace gradproof
