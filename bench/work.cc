#include "bench/work.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "bench/roof_simd.h"
#include "bench/row.h"
#include "checks/execution.h"
#include "checks/inputs.h"
#include "checks/large.h"
#include "ops/core/error.h"
#include "ops/core/memory.h"

namespace gradproof {
namespace {

// FNV-1a over words of 8 bytes rather than bytes, which is 8 times as fast. The last word is filled up with zeros.
std::string hash_of(const std::vector<unsigned char>& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
    hash = (hash ^ word) * 0x100000001b3;
    hash ^= hash >> 32;
  }
  return fmt::format("{:016x}", hash);
}

class KernelWork final : public Work {
 public:
  KernelWork(const Case& c, const Pass& pass, const Implementation& implementation, const Arrays<float>& inputs,
             Index misalignment)
      : execution_(c, pass, implementation, inputs, {.misalignment = misalignment}) {
    execution_.run();
  }

  void run() override { execution_.kernel().run(execution_.refs()); }
  std::string isa() override { return execution_.kernel().isa(); }
  std::string bits() const override { return hash_of(execution_.output_bytes()); }
  Execution& execution() { return execution_; }

 private:
  Execution execution_;
};

// A roof's kernel. It computes nothing that anyone reads.
class CanaryWork final : public Work {
 public:
  explicit CanaryWork(bool arithmetic)
      : arithmetic_(arithmetic), isa_(roof_isas().front()), memory_(zeroed_floats(3 * kStream)) {}

  void run() override {
    constexpr Index kRounds = 2000, kSweeps = 4;  // some 20 us each
    const RoofKernels& kernels = roof_kernels(isa_);
    float* const memory = memory_.get();
    if (arithmetic_)
      kernels.fma[kernels.fma.size() / 2](kRounds);
    else
      kernels.triad(memory, memory + kStream, memory + 2 * kStream, kStream, kSweeps);
  }
  std::string isa() override { return isa_; }
  std::string bits() const override { return hash_of({}); }

 private:
  static constexpr Index kStream = 16384;  // 64 KiB: beyond the first cache, within the second

  bool arithmetic_;
  std::string isa_;
  AlignedMemory<float> memory_;
};

Pass pass_of(const Operation& operation, const Case& c, const std::string& text) {
  std::vector<std::string> names;
  for (const Pass& pass : operation.spec.passes()) {
    if (!has_pass(operation.spec, c.attributes, pass)) continue;
    if (pass.to_text() == text) return pass;
    names.push_back(pass.to_text());
  }
  refuse("{} has no pass '{}'; there are {}", c.to_text(), text, fmt::join(names, ", "));
}

const Implementation& implementation_of(const Operation& operation, const std::string& name) {
  for (const Implementation& implementation : operation.implementations)
    if (implementation.name == name) return implementation;
  refuse("{} has no implementation '{}'", operation.spec.name, name);
}

void verify_work(KernelWork& work, const Case& c, const Pass& pass, const Operation& operation,
                 const Implementation& implementation, const References& references, std::uint64_t seed) {
  const auto reference = references.find(operation.spec.name);
  if (reference == references.end()) refuse("{} has no reference to verify it against", operation.spec.name);
  SampledTruth truth(reference->second, c, pass, SampleOptions{.seed = seed});
  const Verdict verdict = truth.compare(work.execution(), implementation);
  if (!verdict.passed()) refuse("{} is wrong at this size: {}", c.to_text(), failure_text(verdict));
}

}  // namespace

const Arrays<float>& WorkMaker::inputs_of(const RowKey& key, const Case& c, const Pass& pass, std::uint64_t seed) {
  if (key != key_ || seed != seed_) {
    inputs_ = seeded_inputs(c, pass, seed, Regime::kNormal);
    key_ = key;
    seed_ = seed;
  }
  return inputs_;
}

std::unique_ptr<Work> WorkMaker::make(const RowKey& key, const WorkOptions& options) {
  if (key == kFmaCanary || key == kTriadCanary) return std::make_unique<CanaryWork>(key == kFmaCanary);
  const Case c = registry_.parse_case(key.case_text);
  const Operation& operation = registry_.find(c.spec->name);
  const Pass pass = pass_of(operation, c, key.pass);
  const Implementation& implementation = implementation_of(operation, key.impl);
  if (const auto reason = unsupported_reason(implementation, c, pass)) refuse("{}", *reason);
  auto work = std::make_unique<KernelWork>(c, pass, implementation, inputs_of(key, c, pass, options.seed),
                                           options.misalignment);
  if (work->bits() != options.trusted)
    verify_work(*work, c, pass, operation, implementation, references_, options.seed);
  return work;
}

}  // namespace gradproof
