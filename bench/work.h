// What the gate times: one row made ready, or a canary.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gate/protocol.h"
#include "ops/core/registry.h"
#include "ops/core/shape.h"
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
  // A hash of everything that run() computes (FNV-1a, 64 bits, in hexadecimal).
  virtual std::string bits() const = 0;
};

struct WorkOptions {
  std::uint64_t seed = 1;
  Index misalignment = 0;  // elements by which every buffer is off its 64-byte boundary
  std::string trusted;     // the bits of a verified run; with any others the row is verified
};

// The row, run once and verified at this very size. Throws UsageError with the reason where there is no such row or the
// implementation does not support it, and where it fails.
std::unique_ptr<Work> make_work(const Registry& registry, const References& references, const RowKey& key,
                                const WorkOptions& options);

}  // namespace gradproof
