#include "checks/shrink.h"

#include <chrono>
#include <cmath>
#include <optional>
#include <vector>

#include "ops/core/error.h"

namespace gradproof {
namespace {

// Simpler values of an attribute, boldest first.
std::vector<double> simpler_values(const AttributeSpec& spec, double value) {
  std::vector<double> values;
  const auto add = [&](double candidate) {
    if (candidate != value) values.push_back(candidate);
  };
  if (spec.default_value) add(*spec.default_value);
  if (spec.kind != AttributeKind::kInteger) return values;
  const double least = spec.default_value ? std::max(spec.minimum, *spec.default_value) : spec.minimum;
  if (value <= least) return values;
  add(least);
  if (const double half = std::floor(value / 2); half > least) add(half);
  if (value - 1 > least) add(value - 1);
  return values;
}

std::optional<Case> changed(const Case& c, const std::string& key, double value) {
  try {
    return make_case(*c.spec, c.attributes.with(key, value).to_text());
  } catch (const UsageError&) {
    return {};
  }
}

}  // namespace

Case shrink_case(const Case& c, const std::function<bool(const Case&)>& fails, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  Case smallest = c;
  for (bool progress = true; progress;) {
    progress = false;
    for (const AttributeSpec& spec : c.spec->attributes) {
      if (!c.attributes.applies(spec)) continue;
      for (double value : simpler_values(spec, smallest.attributes.real(spec.key))) {
        if (Clock::now() > end) return smallest;
        const std::optional<Case> candidate = changed(smallest, spec.key, value);
        if (!candidate || !fails(*candidate)) continue;
        smallest = *candidate;
        progress = true;
        break;
      }
    }
  }
  return smallest;
}

}  // namespace gradproof
