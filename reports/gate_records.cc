#include "reports/gate_records.h"

#include <fmt/format.h>

#include <array>

#include "reports/fields.h"

namespace gradproof {
namespace {

constexpr std::array kRulings = {Ruling::kLost,     Ruling::kFail,         Ruling::kLessExact, Ruling::kTrade,
                                 Ruling::kInvalid,  Ruling::kInconclusive, Ruling::kLayout,    Ruling::kNotComparable,
                                 Ruling::kImproved, Ruling::kPass};
constexpr std::array kRoles = {GateRole::kRow, GateRole::kPool, GateRole::kControl};
constexpr std::array kTurns = {ExactnessTurn::kWorse, ExactnessTurn::kBetter, ExactnessTurn::kNew,
                               ExactnessTurn::kGone};

// The one of `all` whose text the field holds.
template <class Choices>
auto choice(const Fields& f, const char* key, const Choices& all) {
  const std::string given = f.text(key);
  std::string known;
  for (const auto one : all) {
    if (given == to_text(one)) return one;
    known += fmt::format("{}{}", known.empty() ? "" : one == all.back() ? " or " : ", ", to_text(one));
  }
  f.refuse(fmt::format("{} \"{}\" is not known in this {} record; it must be {}", key, given, f.kind(), known));
}

bool needs_reason(Ruling ruling) {
  return ruling == Ruling::kLost || ruling == Ruling::kInvalid || ruling == Ruling::kInconclusive ||
         ruling == Ruling::kLayout || ruling == Ruling::kNotComparable;
}

void read_launches(const Fields& f, TimeChange& row) {
  row.change = f.part("change");
  row.delta = f.amount("delta");
  row.screened = f.parts("screened");
  row.confirmed = f.parts("confirmed");
  row.recurred = f.parts("recurred");
  row.p = f.probability("p");
  row.adjusted = f.probability("adjusted");
  row.low = f.part("low");
  row.high = f.part("high");
  row.sign_low = f.part("sign_low");
  row.sign_high = f.part("sign_high");
}

// A verdict about time without the times it rests on is none. A control may have been disturbed.
void require_evidence(const Fields& f, const TimeChange& row) {
  const char* verdict = to_text(row.ruling);
  if (row.low.has_value() != row.high.has_value() || (row.low && *row.low > *row.high))
    f.refuse("\"low\" and \"high\" are no interval; both must be there, the smaller one first, or neither");
  if (needs_reason(row.ruling) && row.reason.empty())
    f.refuse(fmt::format("a row with the verdict {} carries no reason; \"reason\" must say why", verdict));
  if (row.role == GateRole::kControl) return;
  const bool claims_time = row.ruling == Ruling::kPass || row.ruling == Ruling::kImproved ||
                           row.ruling == Ruling::kLayout || row.ruling == Ruling::kTrade || row.ruling == Ruling::kFail;
  if (claims_time && (row.screened.empty() || !row.change || !row.delta))
    f.refuse(
        fmt::format("a row with the verdict {} carries no times; \"change\", \"delta\" and \"screened\" must be "
                    "there",
                    verdict));
  if (claims_time && row.ruling != Ruling::kPass && row.confirmed.empty())
    f.refuse(
        fmt::format("a row with the verdict {} was never confirmed; \"confirmed\" must hold its launches", verdict));
}

}  // namespace

TimeChange read_time_change(const Fields& f) {
  TimeChange row;
  row.role = choice(f, "role", kRoles);
  const bool pool = row.role == GateRole::kPool;
  row.op = f.text("op");
  row.case_text = pool ? f.text_or_empty("case") : f.text("case");
  row.pass = f.pass();
  row.impl = pool ? f.text_or_empty("impl") : f.text("impl");
  row.isa = f.text_or_empty("isa");
  row.ruling = choice(f, "verdict", kRulings);
  row.reason = f.text_or_empty("reason");
  read_launches(f, row);
  row.baseline_ns = f.amount("baseline_ns");
  row.candidate_ns = f.amount("candidate_ns");
  row.planted = f.amount("planted");
  if (pool) row.rows = f.count("rows");
  require_evidence(f, row);
  return row;
}

GateRun read_gate_run(const Fields& f) {
  GateRun run;
  run.ruling = choice(f, "verdict", kRulings);
  run.reason = f.text_or_empty("reason");
  run.baseline_commit = f.text_or_empty("baseline_commit");
  run.candidate_commit = f.text_or_empty("candidate_commit");
  run.rows = f.count("rows");
  run.controls = f.count("controls");
  run.batches = f.count("batches");
  run.dropped = f.count("dropped");
  run.noise = f.amount("noise");
  run.detectable = f.amount("detectable");
  run.seconds = f.amount("seconds");
  run.calibration = f.text_or_empty("calibration");
  if ((run.ruling == Ruling::kInvalid || run.ruling == Ruling::kNotComparable) && run.reason.empty())
    f.refuse(fmt::format("a gate with the verdict {} carries no reason; \"reason\" must say why", to_text(run.ruling)));
  return run;
}

ExactnessRecord read_exactness_record(const Fields& f) {
  ExactnessRecord record;
  record.op = f.text("op");
  record.case_text = f.text("case");
  record.pass = f.pass();
  record.isa = f.text_or_empty("isa");
  record.turn = choice(f, "change", kTurns);
  record.before_worst = f.amount("before_worst");
  record.after_worst = f.amount("after_worst");
  record.before_ulps = f.amount("before_ulps");
  record.after_ulps = f.amount("after_ulps");
  return record;
}

CalibrationRun read_calibration_run(const Fields& f) {
  CalibrationRun run;
  run.processor = f.text_or_empty("processor");
  run.rows = f.count("rows");
  run.quiet_runs = f.count("quiet_runs");
  run.alarms = f.count("alarms");
  run.invalid = f.count("invalid");
  run.noise = f.amount("noise");
  run.seconds = f.amount("seconds");
  for (const Fields& power : f.objects("powers"))
    run.powers.push_back({power.required_amount("slowdown"), power.count("runs"), power.count("found")});
  if (run.alarms > run.quiet_runs)
    f.refuse(fmt::format("\"alarms\" is {} of {} quiet runs; it must not be more", run.alarms, run.quiet_runs));
  return run;
}

const char* to_text(Ruling ruling) {
  constexpr std::array<const char*, 10> kNames = {"LOST",         "FAIL",   "LESS_EXACT",     "TRADE",    "INVALID",
                                                  "INCONCLUSIVE", "LAYOUT", "NOT_COMPARABLE", "IMPROVED", "PASS"};
  return kNames[static_cast<std::size_t>(ruling)];
}

const char* to_text(GateRole role) {
  return role == GateRole::kRow ? "row" : role == GateRole::kPool ? "pool" : "control";
}

const char* to_text(ExactnessTurn turn) {
  constexpr std::array<const char*, 4> kNames = {"worse", "gone", "new", "better"};
  return kNames[static_cast<std::size_t>(turn)];
}

}  // namespace gradproof
