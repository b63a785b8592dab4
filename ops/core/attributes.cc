#include "ops/core/attributes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <map>
#include <stdexcept>

#include "ops/core/error.h"

namespace gradproof {
namespace {

using Given = std::map<std::string, double, std::less<>>;

std::vector<AttributeSpec> per_axis(const std::string& stem, const std::string& meaning,
                                    std::optional<double> default_value, double minimum) {
  constexpr const char* kWords[] = {"depth", "height", "width"};
  std::vector<AttributeSpec> specs;
  for (int axis = 0; axis < 3; ++axis) {
    AttributeSpec spec;
    spec.key = stem + kAxisNames[axis];
    spec.meaning = fmt::format("{} {}", meaning, kWords[axis]);
    spec.default_value = default_value;
    spec.minimum = minimum;
    spec.axis = axis;
    spec.shorthands = {stem};
    specs.push_back(std::move(spec));
  }
  return specs;
}

bool is_known(const std::vector<AttributeSpec>& specs, std::string_view key) {
  for (const AttributeSpec& spec : specs) {
    if (spec.key == key) return true;
    for (const std::string& shorthand : spec.shorthands)
      if (shorthand == key) return true;
  }
  return false;
}

std::string known_keys(const std::vector<AttributeSpec>& specs) {
  std::vector<std::string_view> keys;
  for (const AttributeSpec& spec : specs) keys.push_back(spec.key);
  return fmt::format("{}", fmt::join(keys, " "));
}

double parse_number(std::string_view op, std::string_view key, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    refuse("{}: {}={} is not a number; write for instance {}=2", op, key, text, key);
  return value;
}

Given parse_pairs(std::string_view op, const std::vector<AttributeSpec>& specs, std::string_view text) {
  Given given;
  for (bool more = !text.empty(); more;) {
    const std::string_view pair = text.substr(0, text.find(','));
    more = pair.size() < text.size();
    text.remove_prefix(pair.size() + (more ? 1 : 0));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0)
      refuse("{}: '{}' is not key=value; write for instance mb=2", op, pair);
    const std::string_view key = pair.substr(0, equals);
    if (!is_known(specs, key)) refuse("{}: unknown key '{}'; known are {}", op, key, known_keys(specs));
    if (!given.emplace(std::string(key), parse_number(op, key, pair.substr(equals + 1))).second)
      refuse("{}: key '{}' is given twice; give it once", op, key);
  }
  return given;
}

// The most specific spelling wins: ph_lo before ph before p.
std::optional<double> lookup(const Given& given, const AttributeSpec& spec) {
  if (const auto it = given.find(spec.key); it != given.end()) return it->second;
  for (const std::string& shorthand : spec.shorthands)
    if (const auto it = given.find(shorthand); it != given.end()) return it->second;
  return {};
}

bool is_axis_key(const AttributeSpec& spec, std::string_view key) {
  if (spec.key == key) return true;
  // "pd" is a shorthand of one axis, "p" of all.
  return spec.shorthands.size() == 2 && spec.shorthands[0] == key;
}

bool any_given_on_axis(const Given& given, const std::vector<AttributeSpec>& specs, int axis) {
  for (const AttributeSpec& spec : specs)
    if (spec.axis == axis)
      for (const auto& [key, value] : given)
        if (is_axis_key(spec, key)) return true;
  return false;
}

int spatial_rank(std::string_view op, const Given& given, const std::vector<AttributeSpec>& specs) {
  bool spatial = false;
  for (const AttributeSpec& spec : specs) spatial |= spec.input_size;
  if (!spatial) return 0;
  const bool all = given.contains("i");
  const bool depth = given.contains("id") || (all && any_given_on_axis(given, specs, 0));
  const int rank = depth ? 3 : given.contains("ih") || all ? 2 : 1;
  for (int axis = 0; axis < 3 - rank; ++axis)
    for (const AttributeSpec& spec : specs)
      for (const auto& [key, value] : given)
        if (spec.axis == axis && is_axis_key(spec, key))
          refuse("{}: {} is given but i{} is not; give the input size of every axis", op, key, kAxisNames[axis]);
  return rank;
}

void check_range(std::string_view op, const AttributeSpec& spec, double value) {
  switch (spec.kind) {
    case AttributeKind::kFlag:
      if (value != 0 && value != 1) refuse("{}: {}={} must be 0 or 1", op, spec.key, value);
      return;
    case AttributeKind::kInteger:
      if (value != std::floor(value)) refuse("{}: {}={} must be a whole number", op, spec.key, value);
      if (value < spec.minimum || value > 1e9)
        refuse("{}: {}={} must be between {} and 1000000000", op, spec.key, value, spec.minimum);
      return;
    case AttributeKind::kReal:
      if (value < spec.minimum) refuse("{}: {}={} must be {} or more", op, spec.key, value, spec.minimum);
      return;
  }
}

}  // namespace

std::vector<AttributeSpec> input_size_attributes() {
  std::vector<AttributeSpec> specs = per_axis("i", "input", {}, 1);
  for (AttributeSpec& spec : specs) spec.input_size = true;
  return specs;
}
std::vector<AttributeSpec> output_size_attributes() { return per_axis("o", "output", {}, 1); }
std::vector<AttributeSpec> kernel_attributes() { return per_axis("k", "kernel", {}, 1); }
std::vector<AttributeSpec> stride_attributes(std::optional<double> default_value) {
  return per_axis("s", "stride along the", default_value, 1);
}
std::vector<AttributeSpec> dilation_attributes() { return per_axis("d", "dilation (1 = dense) along the", 1, 1); }
std::vector<AttributeSpec> output_padding_attributes() {
  return per_axis("op", "rows added to the far end of the output along the", 0, 0);
}

std::vector<AttributeSpec> padding_attributes() {
  std::vector<AttributeSpec> specs;
  for (const AttributeSpec& both : per_axis("p", "padding along the", 0, 0)) {
    for (const char* side : {"_lo", "_hi"}) {
      AttributeSpec spec = both;
      spec.key = both.key + side;
      spec.meaning += side == std::string_view("_lo") ? ", before" : ", after";
      spec.shorthands = {both.key, "p"};
      specs.push_back(std::move(spec));
    }
  }
  return specs;
}

AttributeSpec integer_attribute(std::string key, std::string meaning, std::optional<double> default_value,
                                double minimum) {
  return {std::move(key), std::move(meaning), AttributeKind::kInteger, default_value, minimum};
}
AttributeSpec flag_attribute(std::string key, std::string meaning, bool default_value) {
  return {std::move(key), std::move(meaning), AttributeKind::kFlag, default_value ? 1.0 : 0.0, 0};
}
AttributeSpec real_attribute(std::string key, std::string meaning, double default_value, double minimum) {
  return {std::move(key), std::move(meaning), AttributeKind::kReal, default_value, minimum};
}

Attributes Attributes::parse(std::string_view op, const std::vector<AttributeSpec>& specs, std::string_view text) {
  const Given given = parse_pairs(op, specs, text);
  Attributes result;
  result.specs_ = &specs;
  result.rank_ = spatial_rank(op, given, specs);
  for (const AttributeSpec& spec : specs) {
    if (!result.applies(spec)) {
      result.values_.push_back(spec.default_value.value_or(1));
      continue;
    }
    const std::optional<double> value = lookup(given, spec);
    if (!value && !spec.default_value)
      refuse("{}: {} ({}) is missing; add {}=...", op, spec.key, spec.meaning, spec.key);
    result.values_.push_back(value.value_or(spec.default_value.value_or(0)));
    check_range(op, spec, result.values_.back());
  }
  return result;
}

std::string Attributes::to_text() const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < values_.size(); ++i) {
    const AttributeSpec& spec = (*specs_)[i];
    if (!applies(spec)) continue;
    const bool pair = spec.key.ends_with("_lo") && values_[i] == values_[i + 1];
    const std::string key = pair ? spec.key.substr(0, spec.key.size() - 3) : spec.key;
    if (spec.default_value != values_[i]) parts.push_back(fmt::format("{}={}", key, values_[i]));
    if (pair) ++i;
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

bool Attributes::applies(const AttributeSpec& spec) const { return spec.axis < 0 || spec.axis >= 3 - rank_; }

// Checks look up attributes millions of times, and keys are short: they mostly differ in size or at an end, which is
// cheaper to see than to call memcmp.
size_t Attributes::find(std::string_view key) const {
  const auto is_called_so = [key](const std::string& other) {
    return other.size() == key.size() && other.front() == key.front() && other.back() == key.back() && other == key;
  };
  for (size_t i = 0; i < specs_->size(); ++i)
    if (is_called_so((*specs_)[i].key)) return i;
  return specs_->size();
}

bool Attributes::has(std::string_view key) const { return find(key) < specs_->size(); }

double Attributes::real(std::string_view key) const {
  const size_t i = find(key);
  if (i == specs_->size()) throw std::out_of_range(fmt::format("attribute {} is not declared", key));
  return values_[i];
}

Index Attributes::integer(std::string_view key) const { return static_cast<Index>(real(key)); }

Index Attributes::integer_or(std::string_view key, Index otherwise) const {
  const size_t i = find(key);
  return i == specs_->size() ? otherwise : static_cast<Index>(values_[i]);
}

Attributes Attributes::with(std::string_view key, double value) const {
  Attributes result = *this;
  result.values_.at(find(key)) = value;
  return result;
}

}  // namespace gradproof
