// Guarded memory: tensors that end (or begin) at a page which must not be touched.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/core/spec.h"
#include "ops/core/tensor.h"

namespace gradproof {

enum class Flush { kEnd, kBegin };  // which end of the tensor touches its guard

// One tensor between two guards of 64 KiB. What is left of its pages holds known bytes.
class GuardedTensor {
 public:
  GuardedTensor(const Argument& argument, Flush flush);
  GuardedTensor(GuardedTensor&& other) noexcept;
  GuardedTensor& operator=(GuardedTensor&&) = delete;
  ~GuardedTensor();

  TensorRef ref() const { return ref_; }
  std::size_t byte_count() const { return byte_count_; }
  bool contains(const void* address) const;  // guards included
  // "12 bytes before its start", "8 bytes past its end" for an address in the guards.
  std::string describe(const void* address) const;
  // Where known bytes beside the tensor were overwritten, as describe() says it, or nothing.
  std::optional<std::string> damage() const;
  // Makes the guards memory like any other.
  void open() const;

 private:
  unsigned char* memory_ = nullptr;  // null: moved from
  std::size_t size_ = 0;
  unsigned char* pages_ = nullptr;  // between the guards
  std::size_t page_bytes_ = 0;
  std::size_t byte_count_ = 0;
  TensorRef ref_;
};

// An access to a guard.
struct Trespass {
  const void* address = nullptr;
  bool writing = false;  // known on x86-64 only
};

// Watches the guards of `tensors` while it lives; one at a time. A guard that is met opens, so that who met it runs on
// to its end and nothing it holds is lost. An invalid access elsewhere ends the process, as it does anywhere: the
// runner's workers make it a failed check.
class GuardWatch {
 public:
  explicit GuardWatch(std::span<const GuardedTensor> tensors);
  GuardWatch(const GuardWatch&) = delete;
  GuardWatch& operator=(const GuardWatch&) = delete;
  ~GuardWatch();

  std::optional<Trespass> first() const;
};

// Runs `body` and tells its first access to a guard, if there is one.
template <class Body>
std::optional<Trespass> trespass_of(std::span<const GuardedTensor> tensors, Body body) {
  const GuardWatch watch(tensors);
  body();
  return watch.first();
}

}  // namespace gradproof
