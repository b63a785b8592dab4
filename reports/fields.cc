#include "reports/fields.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "ops/core/record.h"

namespace gradproof {
namespace {

using nlohmann::json;

// nlohmann's messages lead with "[json.exception.parse_error.101] parse error at line 1, column 17: ..."
std::string plain_message(const json::exception& error) {
  std::string message = error.what();
  const auto bracket = message.find("] ");
  if (bracket != std::string::npos) message.erase(0, bracket + 2);
  const std::string line_prefix = "parse error at line 1, column ";
  if (message.starts_with(line_prefix)) message.replace(0, line_prefix.size(), "at column ");
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return message;
}

// JSON lets a key appear twice and the last one win, which could turn a "fail" into a "pass" unseen, and lets values be
// nested without end, which no stack holds.
struct Strictness {
  std::vector<std::set<std::string>> seen;
  std::string duplicate;
  bool too_deep = false;

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    too_deep |= depth > kDeepestRecord;
    if (too_deep) return false;
    if (event == json::parse_event_t::object_start) seen.emplace_back();
    if (event == json::parse_event_t::object_end) seen.pop_back();
    if (event == json::parse_event_t::key) {
      auto key = parsed.get<std::string>();
      if (!seen.back().insert(key).second) duplicate = std::move(key);
    }
    return true;
  }
};

json parse_line(std::string_view text, const Fields& fields) {
  Strictness strictness;
  json object;
  try {
    object = json::parse(text, std::ref(strictness));
  } catch (const json::exception& error) {
    fields.refuse(
        fmt::format("this is not strict JSON ({}); every line must be one JSON object", plain_message(error)));
  }
  if (strictness.too_deep)
    fields.refuse(fmt::format("values are nested more than {} deep; records are flat", kDeepestRecord));
  if (!object.is_object())
    fields.refuse(fmt::format("this is a JSON {}; every line must be one JSON object", object.type_name()));
  if (!strictness.duplicate.empty())
    fields.refuse(fmt::format("\"{}\" is given twice; every key may appear once", strictness.duplicate));
  return object;
}

}  // namespace

Fields::Fields(std::string_view text, const std::string& file, std::size_t line) : file_(file), line_(line) {
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) {
    refuse("the line is empty; every line must be one JSON object");
  }
  object_ = parse_line(text, *this);
  const json* schema = find("schema");
  if (schema == nullptr) refuse("\"schema\" is missing; records of this version carry \"schema\":1");
  if (*schema != 1) refuse(fmt::format("schema {} is not known here; this gradproof reads schema 1", schema->dump()));
  kind_ = this->text("kind");
}

Fields::Fields(json object, const Fields& whole)
    : file_(whole.file_), line_(whole.line_), object_(std::move(object)), kind_(whole.kind_) {}

void Fields::refuse(const std::string& sentence) const {
  throw ReportError(fmt::format("{}:{}: {}.", file_, line_, sentence));
}

void Fields::refuse_field(const char* key, const std::string& wanted) const {
  const json* value = find(key);
  const std::string where = kind_.empty() ? "" : fmt::format(" in this {} record", kind_);
  if (value == nullptr) refuse(fmt::format("\"{}\" is missing{}; it must be {}", key, where, wanted));
  std::string shown = value->dump();
  if (shown.size() > 40) shown = shown.substr(0, 37) + "...";
  refuse(fmt::format("\"{}\" is {}{}; it must be {}", key, shown, where, wanted));
}

// A null is no value of the schema; saying so beats guessing that it means "absent".
const json* Fields::find(const char* key) const {
  const auto at = object_.find(key);
  return at == object_.end() ? nullptr : &*at;
}

std::string Fields::text(const char* key) const {
  const json* value = find(key);
  if (value == nullptr || !value->is_string() || value->get_ref<const std::string&>().empty()) {
    refuse_field(key, "a non-empty string");
  }
  return value->get<std::string>();
}

std::string Fields::text_or_empty(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_string()) refuse_field(key, "a string, or absent");
  return value->get<std::string>();
}

std::string Fields::shown(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number() || value->is_array()) return value->dump();
  refuse_field(key, "a string, a number or a list, or absent");
}

bool Fields::flag(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) refuse_field(key, "true or false");
  return value->get<bool>();
}

std::optional<double> Fields::number(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) refuse_field(key, "a finite number, or absent when it is not known");
  return value->get<double>();
}

std::optional<double> Fields::amount(const char* key) const {
  const auto value = number(key);
  if (value && *value < 0) refuse_field(key, "zero or more, or absent when it is not known");
  return value;
}

double Fields::required_amount(const char* key) const {
  const auto value = amount(key);
  if (!value) refuse_field(key, "a number, zero or more");
  return *value;
}

std::optional<double> Fields::part(const char* key) const {
  const auto value = number(key);
  if (value && *value <= -1) refuse_field(key, "a number above -1, or absent when it is not known");
  return value;
}

std::optional<double> Fields::probability(const char* key) const {
  const auto value = amount(key);
  if (value && *value > 1) refuse_field(key, "from 0 to 1, or absent when it is not known");
  return value;
}

std::size_t Fields::count(const char* key) const {
  const json* value = find(key);
  if (value == nullptr || !value->is_number_integer() || *value < 0) refuse_field(key, "a whole number, 0 or more");
  return value->get<std::size_t>();
}

int Fields::count_from_one(const char* key) const {
  const json* value = find(key);
  const bool good = value != nullptr && value->is_number_integer() && *value >= 1 && *value <= 1 << 20;
  if (!good) refuse_field(key, "a whole number, 1 or more");
  return value->get<int>();
}

std::vector<std::string> Fields::texts(const char* key) const {
  std::vector<std::string> result;
  const json* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_array()) refuse_field(key, "a list of strings, or absent");
  for (const json& item : *value) {
    if (!item.is_string()) refuse_field(key, "a list of strings, or absent");
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::vector<double> Fields::amounts(const char* key) const {
  std::vector<double> result;
  const json* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_array()) refuse_field(key, "a list of numbers, or absent");
  for (const json& item : *value) {
    if (!item.is_number() || item < 0) refuse_field(key, "a list of numbers that are zero or more, or absent");
    result.push_back(item.get<double>());
  }
  return result;
}

std::vector<double> Fields::parts(const char* key) const {
  std::vector<double> result;
  const json* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_array()) refuse_field(key, "a list of numbers, or absent");
  for (const json& item : *value) {
    if (!item.is_number() || item <= -1) refuse_field(key, "a list of numbers above -1, or absent");
    result.push_back(item.get<double>());
  }
  return result;
}

std::vector<Fields> Fields::objects(const char* key) const {
  std::vector<Fields> result;
  const json* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_array()) refuse_field(key, "a list of objects, or absent");
  for (const json& item : *value) {
    if (!item.is_object()) refuse_field(key, "a list of objects, or absent");
    result.push_back(Fields(item, *this));
  }
  return result;
}

std::string Fields::pass() const {
  const std::string pass = text("pass");
  const bool slot = pass.starts_with("vjp:") && pass.size() > 4;
  if (pass != "forward" && pass != "vjp" && !slot)
    refuse(fmt::format("pass \"{}\" is not known; it must be forward, vjp or vjp:<slot>", pass));
  return pass;
}

std::map<std::string, std::string> Fields::text_map(const char* key) const {
  std::map<std::string, std::string> result;
  const json* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_object()) refuse_field(key, "an object of strings, or absent");
  for (const auto& [name, item] : value->items()) {
    if (!item.is_string()) refuse_field(key, "an object of strings, or absent");
    result[name] = item.get<std::string>();
  }
  return result;
}

std::map<std::string, double> Fields::amount_map(const char* key) const {
  std::map<std::string, double> result;
  const json* value = find(key);
  if (value == nullptr) return result;
  if (!value->is_object()) refuse_field(key, "an object of numbers, or absent");
  for (const auto& [name, item] : value->items()) {
    if (!item.is_number() || item < 0) refuse_field(key, "an object of numbers that are zero or more, or absent");
    result[name] = item.get<double>();
  }
  return result;
}

}  // namespace gradproof
