// Buffer: an owned, aligned tensor between fences.
#pragma once

#include <optional>

#include "ops/core/memory.h"
#include "ops/core/tensor.h"

namespace gradproof {

// Dense memory for one tensor, 64-byte aligned (plus `misalignment` elements), with a fence of known bytes on both
// sides. Fresh memory reads as NaN (float32) or as all ones (integers), so that what a kernel leaves unwritten shows.
class Buffer {
 public:
  explicit Buffer(const Shape& shape, ElementType type = ElementType::kFloat32, Index misalignment = 0);
  Buffer(Buffer&&) = default;
  Buffer& operator=(Buffer&&) = default;

  TensorRef ref() const { return ref_; }
  Index byte_count() const { return element_count(ref_.shape) * element_size(ref_.type); }

  // Fills the tensor with NaN again.
  void poison();

  // Byte offset from the tensor's first byte to the first damaged fence byte; nothing when both fences stand.
  std::optional<Index> damaged_fence() const;

 private:
  AlignedMemory<unsigned char> memory_;
  TensorRef ref_;
};

}  // namespace gradproof
