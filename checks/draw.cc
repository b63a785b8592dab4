#include "checks/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "checks/inputs.h"
#include "ops/core/error.h"
#include "ops/core/random_attributes.h"

namespace gradproof {
namespace {

// What a case may cost. One evaluation of the reference takes about 25 ns a flop: 1.5 ms where it is evaluated
// everywhere, which a hundred directions, regimes and passes make a tenth of a second. A sampled one costs its kernel.
struct Limits {
  double flops;
  Index elements;  // of each tensor
};
constexpr Limits kEverywhere{6e4, 1500};
constexpr Limits kSampled{2e7, 200000};
constexpr unsigned kOneInSampled = 8;

constexpr unsigned kFreshTrials = 12;
constexpr unsigned kMostSteps = 12;
constexpr unsigned kProposalsPerStep = 4;
constexpr unsigned kTextsOutside = 3;
constexpr double kNoMinimum = -1e6;      // a declared minimum below it is none
constexpr double kLargestInteger = 1e9;  // that Attributes::parse takes

std::vector<Index> wide_sizes() { return {15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 129}; }

bool is_integer(const AttributeSpec& spec) { return spec.kind == AttributeKind::kInteger; }

bool fits(const Case& c, const Limits& limits) {
  for (const Pass& pass : c.spec->passes()) {
    if (!has_pass(*c.spec, c.attributes, pass)) continue;
    for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
      if (element_count(argument.shape) > limits.elements) return false;
    if (!(c.spec->cost(c.attributes, pass).flops <= limits.flops)) return false;
  }
  return true;
}

class Draw {
 public:
  Draw(const Spec& spec, std::uint64_t seed, Index number)
      : spec_(spec), random_(random_bits(seed, "fuzz " + spec.name, number)) {}

  Drawing make() {
    const bool wish_sampled = below(kOneInSampled) == 0;
    limits_ = wish_sampled ? kSampled : kEverywhere;
    drawing_.seed = 1 + below(1000000);
    drawing_.c = start();
    walk();
    drawing_.sampled = wish_sampled && !fits(drawing_.c, kEverywhere);
    for (unsigned i = 0; i < kTextsOutside; ++i) step_outside();
    return std::move(drawing_);
  }

 private:
  unsigned below(size_t count) { return static_cast<unsigned>(random_() % count); }

  Case start() {
    if (below(2) == 0)
      if (std::optional<Case> c = fresh_case()) return *c;
    return listed_case();
  }

  // Attributes of any spelling out of nowhere.
  std::optional<Case> fresh_case() {
    AttributeGenerator generator(spec_.attributes, static_cast<unsigned>(random_()));
    for (unsigned trial = 0; trial < kFreshTrials; ++trial) {
      constexpr int kSpans[] = {3, 6, 12};
      const std::string text = generator.next(kSpans[below(3)]).text;
      Attributes attributes = Attributes::parse(spec_.name, spec_.attributes, text);
      for (const AttributeSpec& spec : spec_.attributes)  // the generator's span 120 octaves, float32's sums do not
        if (spec.kind == AttributeKind::kReal) attributes = attributes.with(spec.key, real_value(spec));
      if (std::optional<Case> c = proposal(attributes)) return c;
    }
    return {};
  }

  // One that the Spec lists and that fits; where none does (a network), the cheapest, and what costs twice as much.
  Case listed_case() {
    std::vector<Case> fitting, every;
    for (const auto* texts : {&spec_.smoke_cases, &spec_.full_cases})
      for (const std::string& text : *texts) every.push_back(make_case(spec_, text));
    for (const Case& c : every)
      if (fits(c, limits_)) fitting.push_back(c);
    if (!fitting.empty()) return fitting[below(fitting.size())];
    const auto flops = [](const Case& c) { return c.spec->cost(c.attributes, Pass::forward()).flops; };
    const Case& cheapest = *std::min_element(every.begin(), every.end(),
                                             [&](const Case& a, const Case& b) { return flops(a) < flops(b); });
    while (!fits(cheapest, limits_)) limits_ = {2 * limits_.flops, 2 * limits_.elements};
    limits_ = {2 * limits_.flops, 2 * limits_.elements};
    return cheapest;
  }

  void walk() {
    const unsigned steps = 1 + below(kMostSteps);
    unsigned taken = 0;
    for (unsigned i = 0; i < steps * kProposalsPerStep && taken < steps; ++i) {
      const Attributes changed = stepped(drawing_.c.attributes);
      if (changed == drawing_.c.attributes) continue;
      if (std::optional<Case> c = proposal(changed)) {
        drawing_.c = *c;
        ++taken;
      }
    }
  }

  const AttributeSpec& any_attribute(const Attributes& attributes) {
    for (;;) {
      const AttributeSpec& spec = spec_.attributes[below(spec_.attributes.size())];
      if (attributes.applies(spec)) return spec;
    }
  }

  // One attribute changed, at times along every axis, at times with all that hold the same number.
  Attributes stepped(const Attributes& attributes) {
    const AttributeSpec& spec = any_attribute(attributes);
    const double old = attributes.real(spec.key), value = another_value(spec, attributes);
    const bool all_axes = below(3) == 0, all_equal = is_integer(spec) && below(4) == 0;
    Attributes changed = attributes.with(spec.key, value);
    for (const AttributeSpec& other : spec_.attributes) {
      const bool same_stem = !spec.shorthands.empty() && other.shorthands == spec.shorthands;
      const bool same_number = is_integer(other) && attributes.real(other.key) == old && value >= other.minimum;
      if (attributes.applies(other) && ((all_axes && same_stem) || (all_equal && same_number)))
        changed = changed.with(other.key, value);
    }
    return changed;
  }

  double another_value(const AttributeSpec& spec, const Attributes& attributes) {
    switch (spec.kind) {
      case AttributeKind::kFlag:
        return below(2);
      case AttributeKind::kReal:
        return real_value(spec);
      case AttributeKind::kInteger:
        return std::clamp(integer_value(spec, attributes), spec.minimum, kLargestInteger);
    }
    return spec.minimum;
  }

  double integer_value(const AttributeSpec& spec, const Attributes& attributes) {
    const double old = attributes.real(spec.key);
    switch (below(9)) {
      case 0:
        return old + 1;
      case 1:
        return old - 1;
      case 2:
        return old * (2 + below(2));
      case 3: {
        const AttributeSpec& other = any_attribute(attributes);
        return is_integer(other) ? attributes.real(other.key) * (1 + below(2)) : old + 2;
      }
      case 4: {
        const std::vector<Index> sizes = wide_sizes();
        return static_cast<double>(sizes[below(sizes.size())]);
      }
      case 5:
        return below(8) == 0 ? std::pow(10.0, 2 + below(8)) : spec.minimum + below(100);
      case 6:
        return spec.minimum + below(20);
      default:
        return spec.minimum + below(4);
    }
  }

  // Short texts: few bits, from 2^-10 to 2^4.
  double real_value(const AttributeSpec& spec) {
    const double sign = spec.minimum < 0 && below(2) == 0 ? -1 : 1;
    double value = spec.default_value.value_or(0);
    switch (below(5)) {
      case 0:
        break;
      case 1:
        value = sign * below(4);
        break;
      case 2:
        value = spec.minimum > kNoMinimum ? spec.minimum : 0;
        break;
      default:
        value = sign * std::ldexp(1 + below(16) / 16.0, static_cast<int>(below(14)) - 10);
    }
    return std::max(value, spec.minimum);
  }

  // The case, if it is valid and not too large. Refusals are looked at.
  std::optional<Case> proposal(const Attributes& attributes) {
    ++drawing_.proposed;
    const std::string text = attributes.to_text();
    try {
      Case c = make_case(spec_, text);
      require_sound(c, text);
      if (fits(c, limits_)) return c;
      ++drawing_.oversized;
    } catch (const UsageError& error) {
      ++drawing_.refused;
      require_sentence(text, error.what());
    } catch (const std::exception& error) {
      complain(text, "a case, or a refusal in one sentence", error.what());
    }
    return {};
  }

  void require_sound(const Case& c, const std::string& text) {
    if (!(make_case(spec_, c.attributes.to_text()) == c)) complain(text, "the same case from its text", c.to_text());
    for (const Argument& argument : arguments_of(spec_, c.attributes, Pass::forward()))
      if (element_count(argument.shape) <= 0)
        complain(text, "a refusal", fmt::format("accepted with {} of {}", argument.name, shape_text(argument.shape)));
    const Cost cost = spec_.cost(c.attributes, Pass::forward());
    if (!(cost.flops >= 0 && cost.bytes > 0))
      complain(text, "a cost", fmt::format("{} flops and {} bytes", cost.flops, cost.bytes));
  }

  void require_sentence(const std::string& text, const std::string& refusal) {
    if (!refusal.starts_with(spec_.name + ": ") || refusal.find('\n') != std::string::npos)
      complain(text, "one sentence that begins with the operation's name", refusal);
  }

  // The drawn case with something that is wrong by declaration, whatever the rest is.
  void step_outside() {
    const std::string text = wrong_text();
    if (text.empty()) return;
    ++drawing_.proposed;
    try {
      make_case(spec_, text);
      complain(text, "a refusal", "accepted");
    } catch (const UsageError& error) {
      ++drawing_.refused;
      require_sentence(text, error.what());
    } catch (const std::exception& error) {
      complain(text, "a refusal in one sentence", error.what());
    }
  }

  std::string wrong_text() {
    const Attributes& attributes = drawing_.c.attributes;
    const std::string right = attributes.to_text();
    if (below(6) == 0) return right + (below(2) == 0 ? ",banana=1" : ",mb");
    const AttributeSpec& spec = any_attribute(attributes);
    std::vector<double> values;
    if (spec.minimum > kNoMinimum) values.push_back(spec.minimum - 1);
    if (spec.kind != AttributeKind::kReal) values.insert(values.end(), {spec.minimum + 0.5, kLargestInteger + 1});
    if (values.empty()) return "";
    return attributes.with(spec.key, values[below(values.size())]).to_text();
  }

  void complain(const std::string& text, std::string expected, std::string got) {
    drawing_.complaints.push_back({spec_.name + ":" + text, std::move(expected), std::move(got)});
  }

  const Spec& spec_;
  std::mt19937_64 random_;
  Limits limits_ = kEverywhere;
  Drawing drawing_;
};

}  // namespace

Drawing draw_case(const Spec& spec, std::uint64_t seed, Index number) { return Draw(spec, seed, number).make(); }

}  // namespace gradproof
