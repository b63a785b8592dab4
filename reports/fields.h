#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reports/records.h"

namespace gradproof {

// One record line, read field by field; every complaint names the file and the line and says what would be right.
// Keys that nobody asks for are ignored: a writer may add one without a new schema version.
class Fields {
 public:
  // `text` is one line without its line break.
  Fields(std::string_view text, const std::string& file, std::size_t line);

  const std::string& kind() const { return kind_; }

  std::string text(const char* key) const;                   // a non-empty string, required
  std::string text_or_empty(const char* key) const;          // a string, may be absent
  std::string shown(const char* key) const;                  // a string, number or list, as text; may be absent
  bool flag(const char* key) const;                          // true or false; false when absent
  std::optional<double> number(const char* key) const;       // may be absent
  std::optional<double> amount(const char* key) const;       // not negative; may be absent
  double required_amount(const char* key) const;             // not negative
  std::optional<double> part(const char* key) const;         // by which something differs: above -1; may be absent
  std::optional<double> probability(const char* key) const;  // 0 to 1; may be absent
  std::size_t count(const char* key) const;                  // a whole number, 0 or more, required
  int count_from_one(const char* key) const;                 // a whole number, 1 or more, required
  std::vector<std::string> texts(const char* key) const;     // a list of strings; empty when absent
  std::vector<double> amounts(const char* key) const;        // a list of numbers; empty when absent
  std::vector<double> parts(const char* key) const;          // a list of numbers above -1; empty when absent
  std::vector<Fields> objects(const char* key) const;        // a list of objects; empty when absent
  std::string pass() const;                                  // forward, vjp or vjp:<slot>, required
  std::map<std::string, std::string> text_map(const char* key) const;
  std::map<std::string, double> amount_map(const char* key) const;

  [[noreturn]] void refuse(const std::string& sentence) const;

 private:
  Fields(nlohmann::json object, const Fields& whole);
  const nlohmann::json* find(const char* key) const;
  [[noreturn]] void refuse_field(const char* key, const std::string& wanted) const;

  std::string file_;
  std::size_t line_;
  nlohmann::json object_;
  std::string kind_;
};

}  // namespace gradproof
