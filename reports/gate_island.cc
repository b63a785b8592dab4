#include "reports/gate_island.h"

#include <algorithm>

#include "reports/island.h"

namespace gradproof {
namespace {

// More rows than this are no picture any more.
constexpr std::size_t kMostCharted = 40;

void put_list(nlohmann::json& object, const char* key, const std::vector<double>& values) {
  if (values.empty()) return;
  for (const double value : values) object[key].push_back(short_number(value));
}

nlohmann::json change_json(const TimeChange& row) {
  nlohmann::json entry = {{"name", name_of(row)}, {"case", row.case_text}, {"tone", tone_of(row.ruling)}};
  const auto put_known = [&entry](const char* key, const std::optional<double>& value) {
    if (value) entry[key] = short_number(*value);
  };
  put_known("change", row.change);
  put_known("delta", row.delta);
  put_known("low", row.low);
  put_known("high", row.high);
  put_list(entry, "screened", row.screened);
  put_list(entry, "confirmed", row.confirmed);
  return entry;
}

// Rows and pools with times, in one order.
std::vector<TimeChange> charted_rows(const GateSummary& gate) {
  std::vector<TimeChange> rows;
  for (const auto* some : {&gate.rows, &gate.pools})
    std::copy_if(some->begin(), some->end(), std::back_inserter(rows),
                 [](const TimeChange& row) { return !row.screened.empty(); });
  std::stable_sort(rows.begin(), rows.end(), graver);
  return rows;
}

}  // namespace

nlohmann::json gate_json(const GateSummary& gate) {
  std::vector<TimeChange> rows = charted_rows(gate);
  nlohmann::json json = {
      {"all", rows.size()}, {"rows", nlohmann::json::array()}, {"controls", nlohmann::json::array()}};
  rows.resize(std::min(kMostCharted, rows.size()));
  for (const TimeChange& row : rows) json["rows"].push_back(change_json(row));
  for (const TimeChange& row : gate.controls)
    if (!row.screened.empty() && json["controls"].size() < kMostCharted) json["controls"].push_back(change_json(row));
  return json;
}

const char* tone_of(Ruling ruling) {
  if (is_failure(ruling)) return "bad";
  if (ruling == Ruling::kImproved) return "better";
  if (ruling == Ruling::kLayout) return "quiet";
  return ruling == Ruling::kPass ? "good" : "warn";
}

}  // namespace gradproof
