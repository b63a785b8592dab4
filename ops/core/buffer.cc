#include "ops/core/buffer.h"

#include <cstring>

namespace gradproof {
namespace {

constexpr Index kFence = 256;  // bytes on each side: four cache lines, more than any vector store can overshoot
constexpr int kFenceByte = 0xA5;

}  // namespace

Buffer::Buffer(const Shape& shape, ElementType type, Index misalignment) {
  const Index shift = misalignment * element_size(type);
  const Index bytes = element_count(shape) * element_size(type);
  const Index total = bytes + shift + 2 * kFence;
  memory_.reset(static_cast<unsigned char*>(allocate_aligned(total)));
  std::memset(memory_.get(), kFenceByte, static_cast<size_t>(total));
  ref_ = {memory_.get() + kFence + shift, type, shape, dense_strides(shape)};
  poison();
}

void Buffer::poison() { std::memset(ref_.data, 0xFF, static_cast<size_t>(byte_count())); }

std::optional<Index> Buffer::damaged_fence() const {
  const auto* first = static_cast<const unsigned char*>(ref_.data);
  for (Index i = 1; i <= kFence; ++i)
    if (first[-i] != kFenceByte) return -i;
  for (Index i = byte_count(); i < byte_count() + kFence; ++i)
    if (first[i] != kFenceByte) return i;
  return {};
}

}  // namespace gradproof
