#include "reports/gate_records.h"

#include <gtest/gtest.h>

#include "reports/fixture.h"
#include "reports/records.h"

namespace gradproof {
namespace {

using nlohmann::json;

std::string complaint_about_gate(const json& record) {
  try {
    parse(record);
  } catch (const ReportError& error) {
    return error.what();
  }
  return "accepted";
}

// `record` with one field changed, or without it where the value is null.
std::string complaint_with_field(json record, const char* key, const json& value) {
  if (value.is_null())
    record.erase(key);
  else
    record[key] = value;
  return complaint_about_gate(record);
}

void expect_complains(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "\"" << message << "\" should say \"" << part << "\"";
  EXPECT_TRUE(message.starts_with("records.jsonl:1: ")) << message;
}

TEST(GateRecords, EveryKindIsRead) {
  const Records records = parse_lines(gate_lines() + a_calibration().dump() + "\n");
  EXPECT_EQ(records.time_changes.size(), 13u);
  EXPECT_EQ(records.exactness.size(), 4u);
  ASSERT_EQ(records.gate_runs.size(), 1u);
  EXPECT_EQ(records.gate_runs[0].ruling, Ruling::kFail);
  EXPECT_EQ(records.gate_runs[0].dropped, 84u);
  ASSERT_EQ(records.calibrations.size(), 1u);
  EXPECT_EQ(records.calibrations[0].powers.at(0).found, 39u);
}

TEST(GateRecords, ARowIsReadWhole) {
  const TimeChange row = parse(a_gate_row()).time_changes.at(0);
  EXPECT_EQ(row.role, GateRole::kRow);
  EXPECT_EQ(row.ruling, Ruling::kPass);
  EXPECT_EQ(row.screened, (std::vector<double>{0.004, 0.001, -0.002}));
  EXPECT_EQ(row.baseline_ns, 23200);
  EXPECT_FALSE(row.low.has_value());
}

TEST(GateRecords, WordsMustBeKnown) {
  expect_complains(complaint_with_field(a_gate_row(), "role", "canary"), "it must be row, pool or control");
  expect_complains(complaint_with_field(a_gate_row(), "verdict", "SLOW"), "verdict \"SLOW\" is not known");
  expect_complains(complaint_with_field(a_gate_row(), "pass", "backward"), "must be forward, vjp or vjp:<slot>");
  expect_complains(complaint_with_field(a_gate(), "verdict", "pass"), "INVALID, INCONCLUSIVE");
  expect_complains(complaint_with_field(an_exactness(), "change", "same"), "it must be worse, better, new or gone");
}

TEST(GateRecords, VerdictsNeedWhatTheyRestOn) {
  expect_complains(complaint_with_field(a_gate_row(), "screened", nullptr), "carries no times");
  expect_complains(complaint_with_field(a_gate_row(), "change", nullptr), "carries no times");
  expect_complains(complaint_with_field(a_gate_row(), "delta", nullptr), "carries no times");
  expect_complains(complaint_with_field(a_gate_row(), "verdict", "FAIL"), "was never confirmed");
  expect_complains(complaint_with_field(a_gate_row(), "verdict", "IMPROVED"), "was never confirmed");
  expect_complains(complaint_with_field(a_gate_row(), "verdict", "INCONCLUSIVE"), "carries no reason");
  expect_complains(complaint_with_field(a_gate(), "verdict", "INVALID"), "carries no reason");
  json control = a_gate_row();
  control["role"] = "control";
  EXPECT_EQ(complaint_with_field(control, "screened", nullptr), "accepted") << "it may have been disturbed";
}

TEST(GateRecords, FieldsOfRowsAndPoolsDiffer) {
  expect_complains(complaint_with_field(a_gate_row(), "case", nullptr), "\"case\" is missing in this gate_row record");
  json pool = a_gate_row();
  pool["role"] = "pool";
  pool.erase("case");
  expect_complains(complaint_about_gate(pool), "\"rows\" is missing");
  EXPECT_EQ(complaint_with_field(pool, "rows", 4), "accepted");
}

TEST(GateRecords, NumbersMustMakeSense) {
  expect_complains(complaint_with_field(a_gate_row(), "change", -1), "a number above -1");
  expect_complains(complaint_with_field(a_gate_row(), "screened", {0.1, -1.5}), "a list of numbers above -1");
  expect_complains(complaint_with_field(a_gate_row(), "p", 1.5), "from 0 to 1");
  expect_complains(complaint_with_field(a_gate_row(), "low", 0.1), "are no interval");
  json row = a_gate_row();
  row["low"] = 0.2;
  expect_complains(complaint_with_field(row, "high", 0.1), "are no interval");
  EXPECT_EQ(complaint_with_field(row, "high", 0.3), "accepted");
  expect_complains(complaint_with_field(a_gate(), "dropped", 0.5), "a whole number, 0 or more");
  expect_complains(complaint_with_field(a_gate(), "rows", -1), "a whole number, 0 or more");
  expect_complains(complaint_with_field(an_exactness(), "after_worst", -0.1), "zero or more");
  expect_complains(complaint_with_field(a_calibration(), "alarms", 201), "\"alarms\" is 201 of 200");
  expect_complains(complaint_with_field(a_calibration(), "powers", {{{"slowdown", 0.05}}}), "\"runs\" is missing");
}

}  // namespace
}  // namespace gradproof
