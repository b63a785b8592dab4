// Attributes: the named numbers that make a case of an operation, as declared by its Spec.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/shape.h"

namespace gradproof {

// The spatial axes as keys spell them: 0 is depth, 1 height, 2 width.
inline constexpr const char* kAxisNames[] = {"d", "h", "w"};

enum class AttributeKind { kInteger, kFlag, kReal };

// One declared attribute. Spatial ones belong to an axis: 0 is depth, 1 height, 2 width.
struct AttributeSpec {
  std::string key;
  std::string meaning;
  AttributeKind kind = AttributeKind::kInteger;
  std::optional<double> default_value;  // absent: must be given
  double minimum = 1;                   // the least value allowed
  int axis = -1;
  bool input_size = false;                // id, ih, iw: these decide the spatial rank
  std::vector<std::string> shorthands{};  // other keys that set this one too: "k" for kh, "ph" and "p" for ph_lo
};

// Groups of declarations shared by the families, for the three axes in the order d, h, w.
std::vector<AttributeSpec> input_size_attributes();
std::vector<AttributeSpec> output_size_attributes();  // od, oh, ow, where they do not follow from others
std::vector<AttributeSpec> kernel_attributes();
std::vector<AttributeSpec> stride_attributes(std::optional<double> default_value = 1);
std::vector<AttributeSpec> padding_attributes();
std::vector<AttributeSpec> dilation_attributes();
std::vector<AttributeSpec> output_padding_attributes();
AttributeSpec integer_attribute(std::string key, std::string meaning, std::optional<double> default_value = {},
                                double minimum = 1);
AttributeSpec flag_attribute(std::string key, std::string meaning, bool default_value);
AttributeSpec real_attribute(std::string key, std::string meaning, double default_value, double minimum);

// Values for a list of declarations, in their order; an integer is held exactly in a double.
class Attributes {
 public:
  // Parses "mb=2,ic=3,..." against the declarations. `op` names the operation in refusals.
  // Throws UsageError for unknown, repeated, missing, malformed or out-of-range keys.
  static Attributes parse(std::string_view op, const std::vector<AttributeSpec>& specs, std::string_view text);

  // Canonical text: declaration order, defaults omitted, equal one-sided pairs joined ("ph").
  std::string to_text() const;

  // Spatial rank (1 to 3), or 0 for an operation without spatial axes.
  int rank() const { return rank_; }
  Index integer(std::string_view key) const;  // throws std::out_of_range for an undeclared key (a fault of ours)
  double real(std::string_view key) const;
  bool flag(std::string_view key) const { return integer(key) != 0; }
  bool has(std::string_view key) const;
  Index integer_or(std::string_view key, Index otherwise) const;  // `otherwise` for an undeclared key

  // The same attributes with one changed and the rest kept; not validated.
  Attributes with(std::string_view key, double value) const;

  const std::vector<AttributeSpec>& specs() const { return *specs_; }
  // Whether this attribute belongs to an axis that the rank has.
  bool applies(const AttributeSpec& spec) const;

  friend bool operator==(const Attributes& a, const Attributes& b) {
    return a.rank_ == b.rank_ && a.values_ == b.values_;
  }
  // Some order, for maps of attributes with the same declarations.
  friend bool operator<(const Attributes& a, const Attributes& b) {
    return a.rank_ != b.rank_ ? a.rank_ < b.rank_ : a.values_ < b.values_;
  }

 private:
  size_t find(std::string_view key) const;

  const std::vector<AttributeSpec>* specs_ = nullptr;
  std::vector<double> values_;
  int rank_ = 0;
};

}  // namespace gradproof
