#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "reports/format.h"
#include "reports/judge.h"
#include "reports/summary_parts.h"

namespace gradproof {
namespace {

std::string base_name(const std::string& impl) { return impl.substr(0, impl.find('@')); }

// The same work, whoever does it. A case may be timed under several layers' names, so the layer is part of it.
using Work = std::tuple<std::string, std::string, std::string, int>;

Work work_of(const Timing& t) { return {t.layer, t.case_text, t.pass, t.threads}; }

TimingRow row_of(const Timing& timing) {
  const JudgedTiming judged = judge(timing);
  TimingRow row;
  row.timing = timing;
  row.outcome = judged.outcome;
  row.reason = judged.reason;
  row.command = repeat_command(timing);
  if (row.outcome != Outcome::kMeasured) return row;
  row.spread = relative_spread(timing);
  row.above_roof = timing.roof && *timing.roof > 1;
  return row;
}

void add_rivals(std::vector<TimingRow>& rows) {
  std::map<Work, std::vector<const TimingRow*>> by_work;
  for (const TimingRow& row : rows) {
    if (row.outcome == Outcome::kMeasured) by_work[work_of(row.timing)].push_back(&row);
  }
  for (TimingRow& row : rows) {
    if (row.outcome != Outcome::kMeasured) continue;
    const TimingRow* fastest = nullptr;
    for (const TimingRow* other : by_work[work_of(row.timing)]) {
      const bool another = base_name(other->timing.impl) != base_name(row.timing.impl);
      if (another && (fastest == nullptr || *other->timing.ns < *fastest->timing.ns)) fastest = other;
    }
    if (fastest == nullptr) continue;
    row.speedup = *fastest->timing.ns / *row.timing.ns;
    row.rival = fastest->timing.impl;
  }
}

BestAndMedian best_and_median(const std::vector<TimingRow>& rows, std::optional<double> Timing::*field) {
  std::vector<double> values;
  for (const TimingRow& row : rows) {
    if (row.outcome == Outcome::kMeasured && row.timing.*field) values.push_back(*(row.timing.*field));
  }
  if (values.empty()) return {};
  const Spread spread = spread_of(std::move(values));
  return {spread.max, spread.median};
}

void finish_operation(OperationRow& row) {
  add_rivals(row.timings);
  for (const TimingRow& timing : row.timings) ++(timing.outcome == Outcome::kMeasured ? row.measured : row.withheld);
  row.gflops = best_and_median(row.timings, &Timing::gflops);
  row.gbps = best_and_median(row.timings, &Timing::gbps);
  row.roof = best_and_median(row.timings, &Timing::roof);
}

void add_scaling(const OperationRow& operation, Summary& summary) {
  using Kernel = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  std::map<Kernel, std::map<int, const Timing*>> by_kernel;
  for (const TimingRow& row : operation.timings) {
    const Timing& t = row.timing;
    if (row.outcome == Outcome::kMeasured) by_kernel[{t.layer, t.case_text, t.pass, t.impl, t.isa}][t.threads] = &t;
  }
  for (const auto& [kernel, by_threads] : by_kernel) {
    const auto& [from, slow] = *by_threads.begin();
    for (const auto& [to, fast] : by_threads) {
      if (to == from) continue;
      const std::string& layer = slow->layer.empty() ? slow->case_text : slow->layer;
      summary.scaling.push_back(
          {operation.op, layer, slow->pass, slow->impl, slow->isa, from, to, *slow->ns / *fast->ns});
    }
  }
}

void add_timing_faults(const Records& records, Summary& summary) {
  std::size_t above = 0, unproven = 0;
  for (const OperationRow& operation : summary.operations) {
    for (const TimingRow& row : operation.timings) above += row.above_roof ? 1 : 0;
  }
  for (const Timing& timing : records.timings) {
    unproven += timing.outcome == Outcome::kMeasured && judge(timing).outcome != Outcome::kMeasured ? 1 : 0;
  }
  if (above > 0) {
    summary.faults.push_back(
        fmt::format("{} {} above the measured roof, which no kernel can: the roof, the count of work or "
                    "the clock is wrong",
                    plural(above, "timing"), above == 1 ? "lies" : "lie"));
  }
  if (unproven > 0) {
    summary.faults.push_back(fmt::format("{} came without a passing verdict at that size and {} withheld",
                                         plural(unproven, "timing"), unproven == 1 ? "is" : "are"));
  }
}

}  // namespace

void add_timings(const Records& records, Summary& summary) {
  std::vector<double> spreads;
  for (const Timing& timing : records.timings) {
    TimingRow row = row_of(timing);
    if (row.spread) spreads.push_back(*row.spread);
    ++(row.outcome == Outcome::kMeasured  ? summary.measured
       : row.outcome == Outcome::kRefused ? summary.refused
                                          : summary.skipped_timings);
    operation_row(summary, timing.op, timing.family).timings.push_back(std::move(row));
  }
  if (!spreads.empty()) summary.noise = spread_of(std::move(spreads)).median;
  for (OperationRow& operation : summary.operations) {
    finish_operation(operation);
    add_scaling(operation, summary);
  }
  add_timing_faults(records, summary);
}

}  // namespace gradproof
