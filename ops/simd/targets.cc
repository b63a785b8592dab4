#include "ops/simd/targets.h"

#include <hwy/highway.h>

#include <algorithm>

namespace gradproof {
namespace {

// Highway asks the processor each time, and on a virtual machine every question is an exit to its host.
std::int64_t processor_targets() {
  static const std::int64_t targets = hwy::SupportedTargets();
  return targets;
}

std::vector<std::int64_t> bits_best_first(std::int64_t targets) {
  std::vector<std::int64_t> result;  // Highway gives better targets lower bits
  for (; targets != 0; targets &= targets - 1) result.push_back(targets & -targets);
  return result;
}

std::vector<std::string> names(std::int64_t targets) {
  std::vector<std::string> result;
  for (std::int64_t target : bits_best_first(targets)) result.emplace_back(hwy::TargetName(target));
  return result;
}

bool is_supported(std::int64_t target) { return (processor_targets() & target) != 0; }

// Restricts dispatch to one target while it lives. Plans are made on one thread, so nobody else dispatches meanwhile.
class ForcedTarget {
 public:
  explicit ForcedTarget(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;
  ~ForcedTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(processor_targets());
  }
};

Implementation forced(const SimdKernel& kernel, std::int64_t target) {
  std::string name = hwy::TargetName(target);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  Implementation result;
  result.name = "simd@" + name;
  result.alias = target == bits_best_first(processor_targets() & HWY_TARGETS).front();
  result.unsupported = [=](const Case& c, const Pass& pass) -> std::optional<std::string> {
    if (!is_supported(target)) return fmt::format("this processor has no {}", hwy::TargetName(target));
    return kernel.unsupported ? kernel.unsupported(c, pass) : std::nullopt;
  };
  result.prepare = [=](const Case& c, const Pass& pass, const PrepareOptions& options) {
    const ForcedTarget scope(target);
    return kernel.prepare(c, pass, options);
  };
  result.depth = kernel.depth;
  result.isa = hwy::TargetName(target);
  return result;
}

}  // namespace

std::vector<std::string> supported_targets() { return names(processor_targets() & HWY_TARGETS); }
std::vector<std::string> compiled_targets() { return names(HWY_TARGETS); }

std::vector<Implementation> simd_implementations(const SimdKernel& kernel) {
  Implementation best;
  best.name = "simd";
  best.unsupported = [=](const Case& c, const Pass& pass) {
    return kernel.unsupported ? kernel.unsupported(c, pass) : std::nullopt;
  };
  best.prepare = kernel.prepare;
  best.depth = kernel.depth;
  best.isa = supported_targets().front();
  std::vector<Implementation> result{std::move(best)};
  for (std::int64_t target : bits_best_first(HWY_TARGETS)) result.push_back(forced(kernel, target));
  return result;
}

}  // namespace gradproof
