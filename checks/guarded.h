// Guarded memory: tensors that end (or begin) at a page which must not be touched.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "ops/core/spec.h"
#include "ops/core/tensor.h"

namespace gradproof {

// Bytes that are shared with child processes.
class SharedBytes {
 public:
  explicit SharedBytes(std::size_t size);
  SharedBytes(SharedBytes&& other) noexcept;
  SharedBytes& operator=(SharedBytes&&) = delete;
  ~SharedBytes();

  unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

enum class Flush { kEnd, kBegin };  // which end of the tensor touches its guard

// One tensor, shared with child processes, between two guards of 64 KiB. What is left of its pages holds known bytes.
class GuardedTensor {
 public:
  GuardedTensor(const Argument& argument, Flush flush);

  TensorRef ref() const { return ref_; }
  std::size_t byte_count() const { return byte_count_; }
  bool contains(const void* address) const;  // guards included
  // "12 bytes before its start", "8 bytes past its end" for an address in the guards.
  std::string describe(const void* address) const;
  // Where known bytes beside the tensor were overwritten, as describe() says it, or nothing.
  std::optional<std::string> damage() const;

 private:
  SharedBytes memory_;
  unsigned char* pages_ = nullptr;  // between the guards
  std::size_t page_bytes_ = 0;
  std::size_t byte_count_ = 0;
  TensorRef ref_;
};

// How a child process ended.
struct ChildEnd {
  bool ran_through = false;
  int signal = 0;                 // 0: none
  const void* address = nullptr;  // of an invalid access
  bool writing = false;           // known on x86-64 only
};

// Runs `body` in a child process with the calling thread alone. A crash or 30 seconds without an end are an outcome,
// not a disaster. `body` must not start threads.
template <class Body>
ChildEnd run_in_child(Body body);

ChildEnd run_in_child_impl(void (*body)(void*), void* context);

template <class Body>
ChildEnd run_in_child(Body body) {
  return run_in_child_impl([](void* context) { (*static_cast<Body*>(context))(); }, &body);
}

}  // namespace gradproof
