#include "reports/summary.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "reports/judge.h"
#include "reports/summary_parts.h"

namespace gradproof {
namespace {

constexpr std::array kOracleOrder = {"fd",        "fd50",     "adjoint", "second",  "forward",     "vjp",
                                     "fd-direct", "exact",    "kink",    "special", "determinism", "memory",
                                     "large",     "property", "invalid", "self"};

struct Gathered {
  std::set<std::string> cases, passes;
  std::map<std::string, std::vector<double>> ratios, digits;  // by oracle
};

void add_check(const Check& check, OperationRow& row, Gathered& gathered) {
  const Status status = judge(check).status;
  OracleCell& cell = oracle_cell(row, check.oracle);
  cell.counts.add(status);
  row.checks.add(status);
  gathered.passes.insert(check.pass);
  if (status == Status::kSkip) return;
  if (check.oracle != "property") gathered.cases.insert(check.case_text);
  keep_largest(cell.worst, check.worst);
  keep_smallest(cell.digits, check.digits);
  keep_smallest(row.digits, check.digits);
  if (check.digits) gathered.digits[check.oracle].push_back(*check.digits);
  if (is_about_reference(check)) return;
  keep_largest(row.worst, check.worst);
  if (check.worst) gathered.ratios[check.oracle].push_back(*check.worst);
}

bool pass_order(const std::string& a, const std::string& b) {
  const auto rank = [](const std::string& pass) { return pass == "forward" ? 0 : pass == "vjp" ? 1 : 2; };
  return std::tuple(rank(a), a) < std::tuple(rank(b), b);
}

State state_of(const Counts& counts) {
  return counts.failed > 0 ? State::kFailed : counts.passed > 0 ? State::kVerified : State::kIncomplete;
}

void finish_operation(OperationRow& row, Gathered& gathered) {
  row.cases = gathered.cases.size();
  row.passes.assign(gathered.passes.begin(), gathered.passes.end());
  std::sort(row.passes.begin(), row.passes.end(), pass_order);
  std::sort(row.oracles.begin(), row.oracles.end(), [](const OracleCell& a, const OracleCell& b) {
    return std::tuple(oracle_rank(a.oracle), a.oracle) < std::tuple(oracle_rank(b.oracle), b.oracle);
  });
  for (OracleCell& cell : row.oracles) {
    cell.ratios = spread_of(gathered.ratios[cell.oracle]);
    cell.all_digits = spread_of(gathered.digits[cell.oracle]);
  }
  row.state = state_of(row.checks);
}

void add_oracle_rows(Summary& summary) {
  std::map<std::pair<std::size_t, std::string>, OracleRow> rows;
  for (const OperationRow& operation : summary.operations) {
    for (const OracleCell& cell : operation.oracles) {
      OracleRow& row = rows[{oracle_rank(cell.oracle), cell.oracle}];
      row.oracle = cell.oracle;
      row.counts.passed += cell.counts.passed;
      row.counts.failed += cell.counts.failed;
      row.counts.skipped += cell.counts.skipped;
      row.operations += cell.counts.passed + cell.counts.failed > 0 ? 1 : 0;
      keep_largest(row.worst, cell.worst);
      keep_smallest(row.digits, cell.digits);
    }
  }
  for (auto& [key, row] : rows) summary.oracles.push_back(std::move(row));
}

// A bound of zero asks for the same bits and cannot be tighter, so it is never called loose.
void add_loose_bounds(const Records& records, Summary& summary) {
  constexpr double kLoose = 1e-3;
  std::map<std::tuple<std::string, std::size_t, std::string, std::string>, LooseBound> bounds;
  for (const Check& check : records.checks) {
    const bool bounded = check.worst && check.bound.value_or(1) > 0;
    if (check.peer || is_planted_bug(check) || is_about_reference(check) || check.status == Status::kSkip || !bounded)
      continue;
    LooseBound& bound = bounds[{check.op, oracle_rank(check.oracle), check.oracle, check.pass}];
    bound = {check.op, check.pass, check.oracle, bound.checks + 1, std::max(bound.worst, *check.worst)};
  }
  for (const auto& [key, bound] : bounds) {
    if (bound.worst < kLoose) summary.loose.push_back(bound);
  }
}

}  // namespace

std::size_t oracle_rank(const std::string& oracle) {
  return static_cast<std::size_t>(std::find(kOracleOrder.begin(), kOracleOrder.end(), oracle) - kOracleOrder.begin());
}

const char* to_text(State state) {
  return state == State::kVerified ? "verified" : state == State::kFailed ? "failed" : "incomplete";
}

void Counts::add(Status status) { ++(status == Status::kPass ? passed : status == Status::kFail ? failed : skipped); }

void keep_largest(std::optional<double>& kept, const std::optional<double>& value) {
  if (value && (!kept || *value > *kept)) kept = value;
}

void keep_smallest(std::optional<double>& kept, const std::optional<double>& value) {
  if (value && (!kept || *value < *kept)) kept = value;
}

OperationRow& operation_row(Summary& summary, const std::string& op, const std::string& family) {
  for (OperationRow& row : summary.operations) {
    if (row.op == op) return row;
  }
  summary.operations.push_back({});
  summary.operations.back().op = op;
  summary.operations.back().family = family;
  return summary.operations.back();
}

OracleCell& oracle_cell(OperationRow& row, const std::string& oracle) {
  for (OracleCell& cell : row.oracles) {
    if (cell.oracle == oracle) return cell;
  }
  row.oracles.push_back({});
  row.oracles.back().oracle = oracle;
  return row.oracles.back();
}

// How the oracle fd begins what it says of flat operations (checks/fd.h).
constexpr std::string_view kNoUsefulGradient = "no useful gradient";

void add_operations(const Records& records, Summary& summary) {
  std::map<std::string, Gathered> gathered;
  for (const Check& check : records.checks) {
    if (is_planted_bug(check) || check.peer) continue;
    OperationRow& row = operation_row(summary, check.op, check.family);
    add_check(check, row, gathered[check.op]);
    if (check.oracle == "fd" && check.status == Status::kPass && check.reason.starts_with(kNoUsefulGradient))
      row.note = kNoUsefulGradient;
    summary.checks.add(judge(check).status);
  }
  for (OperationRow& row : summary.operations) finish_operation(row, gathered[row.op]);
  add_oracle_rows(summary);
  add_loose_bounds(records, summary);
}

Summary summarize(const Records& records) {
  Summary summary;
  summary.environments = records.environments;
  summary.roofs = records.roofs;
  add_operations(records, summary);
  add_failures(records, summary);
  add_properties(records, summary);
  add_timings(records, summary);
  add_coverage(records, summary);
  add_peers(records, summary);
  add_not_run(records, summary);
  add_verdict(summary);
  add_gate(records, summary);
  return summary;
}

}  // namespace gradproof
