#include "checks/shrink.h"

#include <fmt/format.h>

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
  if (spec.default_value && (spec.kind != AttributeKind::kInteger || *spec.default_value < value))
    add(*spec.default_value);
  if (spec.kind != AttributeKind::kInteger) return values;
  const double least =
      spec.default_value && *spec.default_value < value ? std::max(spec.minimum, *spec.default_value) : spec.minimum;
  if (value <= least) return values;
  add(least);
  if (const double half = std::floor(value / 2); half > least) add(half);
  // Of few smaller numbers each, since not all suit the others: of 6 channels in 2 groups neither half nor one less.
  constexpr double kFew = 8;
  for (double each = value <= kFew ? least + 1 : value - 1; each < value; ++each)
    if (each > least) add(each);
  return values;
}

std::optional<Case> valid_case(const Spec& spec, const std::string& attributes) {
  try {
    return make_case(spec, attributes);
  } catch (const UsageError&) {
    return {};
  }
}

// Without the outermost axis that it has.
std::optional<Case> without_axis(const Case& c) {
  if (c.attributes.rank() < 2) return {};
  std::string text;
  for (const AttributeSpec& spec : c.spec->attributes) {
    if (!c.attributes.applies(spec) || spec.axis == 3 - c.attributes.rank()) continue;
    const double value = c.attributes.real(spec.key);
    if (spec.default_value != value) text += fmt::format("{}{}={}", text.empty() ? "" : ",", spec.key, value);
  }
  return valid_case(*c.spec, text);
}

// One attribute changed, alone or with all whole numbers that equal it.
std::optional<Case> changed(const Case& c, const AttributeSpec& spec, double value, bool together) {
  Attributes attributes = c.attributes.with(spec.key, value);
  bool others = false;
  for (const AttributeSpec& other : c.spec->attributes) {
    if (!together || other.kind != AttributeKind::kInteger || other.key == spec.key || !c.attributes.applies(other) ||
        c.attributes.real(other.key) != c.attributes.real(spec.key))
      continue;
    attributes = attributes.with(other.key, value);
    others = true;
  }
  if (together && !others) return {};
  return valid_case(*c.spec, attributes.to_text());
}

// Two attributes of an axis as simple as they go, where neither does without the other: padding is at most half a
// kernel, which must not exceed the padded input.
std::optional<Case> both_simplest(const Case& c, const AttributeSpec& first, const AttributeSpec& second) {
  Attributes attributes = c.attributes;
  for (const AttributeSpec* spec : {&first, &second}) {
    const std::vector<double> values = simpler_values(*spec, c.attributes.real(spec->key));
    if (values.empty()) return {};
    attributes = attributes.with(spec->key, values.front());
  }
  return valid_case(*c.spec, attributes.to_text());
}

class Shrinker {
 public:
  using Clock = std::chrono::steady_clock;

  Shrinker(const Case& c, const std::function<bool(const Case&)>& fails, double seconds)
      : smallest_(c),
        fails_(fails),
        end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}

  Case run() {
    while (leave_axes_out() || change_attributes(false) || change_attributes(true) || change_pairs()) {
    }
    return smallest_;
  }

 private:
  bool is_over() const { return Clock::now() > end_; }

  bool take(const std::optional<Case>& candidate) {
    if (!candidate || is_over() || !fails_(*candidate)) return false;
    smallest_ = *candidate;
    return true;
  }

  bool leave_axes_out() {
    bool progress = false;
    while (take(without_axis(smallest_))) progress = true;
    return progress;
  }

  // Every attribute once.
  bool change_attributes(bool together) {
    bool progress = false;
    for (const AttributeSpec& spec : smallest_.spec->attributes) {
      if (!smallest_.attributes.applies(spec)) continue;
      for (double value : simpler_values(spec, smallest_.attributes.real(spec.key))) {
        if (!take(changed(smallest_, spec, value, together))) continue;
        progress = true;
        break;
      }
    }
    return progress;
  }

  bool change_pairs() {
    bool progress = false;
    for (const AttributeSpec& first : smallest_.spec->attributes)
      for (const AttributeSpec& second : smallest_.spec->attributes) {
        if (&second <= &first || first.axis < 0 || first.axis != second.axis) continue;
        if (!smallest_.attributes.applies(first)) continue;
        progress = take(both_simplest(smallest_, first, second)) || progress;
      }
    return progress;
  }

  Case smallest_;
  const std::function<bool(const Case&)>& fails_;
  Clock::time_point end_;
};

}  // namespace

Case shrink_case(const Case& c, const std::function<bool(const Case&)>& fails, double seconds) {
  return Shrinker(c, fails, seconds).run();
}

}  // namespace gradproof
