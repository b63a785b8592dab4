// What the gate times: one row made ready, or a canary.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gate/protocol.h"
#include "ops/core/registry.h"
#include "ops/core/shape.h"
#include "ops/core/tensor.h"
#include "reference/reference.h"

namespace gradproof {

class Work {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

  virtual void run() = 0;
  virtual std::string isa() = 0;
  // A hash of everything that run() computes (64 bits, in hexadecimal).
  virtual std::string bits() const = 0;
};

struct WorkOptions {
  std::uint64_t seed = 1;
  Index misalignment = 0;  // elements by which every buffer is off its 64-byte boundary
  std::string trusted;     // the bits of a verified run; with any others the row is verified
};

class WorkMaker {
 public:
  WorkMaker(const Registry& registry, const References& references) : registry_(registry), references_(references) {}

  // The row in fresh memory, run once and verified at this very size. Throws UsageError with the reason where there is
  // no such row or the implementation does not support it, and where it fails.
  std::unique_ptr<Work> make(const RowKey& key, const WorkOptions& options);

 private:
  const Arrays<float>& inputs_of(const RowKey& key, const Case& c, const Pass& pass, std::uint64_t seed);

  const Registry& registry_;
  const References& references_;
  // Of the last row: to make them anew takes ten times as long as to copy them.
  RowKey key_;
  std::uint64_t seed_ = 0;
  Arrays<float> inputs_;
};

}  // namespace gradproof
