#include "gate/gate_record.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace gradproof {
namespace {

// A logarithm of a ratio as the part by which it differs from 1.
double as_part(double logarithm) { return std::expm1(logarithm); }

std::vector<double> as_parts(const std::vector<double>& logarithms) {
  std::vector<double> parts;
  for (double value : logarithms) parts.push_back(as_part(value));
  return parts;
}

void add_interval(Record& record, const char* low, const char* high, const Interval& interval) {
  set_number(record, low, as_part(interval.low));
  set_number(record, high, as_part(interval.high));
}

// `role`: "row", "pool" or "control".
Record evidence_record(const std::string& role, const std::string& op, const Evidence& evidence) {
  Record record = make_record("gate_row");
  record["role"] = role;
  record["op"] = op;
  record["verdict"] = name_of(evidence.verdict);
  if (!evidence.reason.empty()) record["reason"] = evidence.reason;
  if (evidence.screened.empty()) return record;
  record["change"] = as_part(evidence.change());
  record["delta"] = evidence.delta;
  record["screened"] = as_parts(evidence.screened);
  if (!evidence.confirmed.empty()) record["confirmed"] = as_parts(evidence.confirmed);
  if (!evidence.recurred.empty()) record["recurred"] = as_parts(evidence.recurred);
  if (!evidence.is_weighed() || role == "control") return record;
  record["p"] = evidence.p;
  record["adjusted"] = evidence.adjusted;
  add_interval(record, "low", "high", evidence.interval);
  add_interval(record, "sign_low", "sign_high", evidence.sign_interval);
  return record;
}

Record row_record(const char* role, const GateRow& row) {
  Record record = evidence_record(role, row.op, row.evidence);
  const Bout& bout = row.bout;
  record["case"] = bout.key.case_text;
  record["pass"] = bout.key.pass;
  record["impl"] = bout.key.impl;
  if (!bout.isa.empty()) record["isa"] = bout.isa;
  if (!bout.baseline_ns.empty()) {
    record["baseline_ns"] = median_of(bout.baseline_ns);
    record["candidate_ns"] = median_of(bout.rival_ns);
  }
  record["batches"] = bout.batches;
  record["dropped"] = bout.dropped;
  if (bout.handicap > 0) record["planted"] = bout.handicap;
  return record;
}

Record pool_record(const GatePool& pool) {
  Record record = evidence_record("pool", pool.op, pool.evidence);
  record["pass"] = pool.pass;
  record["rows"] = pool.rows.size();
  return record;
}

}  // namespace

std::vector<Record> gate_records(const GateResult& result, const std::optional<Calibration>& calibration) {
  std::vector<Record> records;
  for (const auto& row : result.rows) records.push_back(row_record("row", *row));
  for (const GatePool& pool : result.pools) records.push_back(pool_record(pool));
  for (const auto& control : result.controls) records.push_back(row_record("control", *control));
  Record gate = make_record("gate");
  gate["verdict"] = name_of(result.verdict);
  if (!result.reason.empty()) gate["reason"] = result.reason;
  gate["baseline_commit"] = result.baseline.commit;
  gate["candidate_commit"] = result.candidate.commit;
  gate["rows"] = result.rows.size();
  gate["controls"] = result.controls.size();
  gate["batches"] = result.batches;
  gate["dropped"] = result.dropped;
  set_number(gate, "noise", result.noise);
  set_number(gate, "detectable", result.detectable);
  gate["seconds"] = result.seconds;
  if (calibration) gate["calibration"] = calibration->to_text();
  records.push_back(std::move(gate));
  return records;
}

}  // namespace gradproof
