#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "reports/format.h"
#include "reports/judge.h"
#include "reports/summary_parts.h"

namespace gradproof {
namespace {

TimingRow row_of(const Timing& timing) {
  const JudgedTiming judged = judge(timing);
  TimingRow row;
  row.timing = timing;
  row.outcome = judged.outcome;
  row.reason = judged.reason;
  row.command = repeat_command(timing);
  if (row.outcome != Outcome::kMeasured) return row;
  row.spread = relative_spread(timing);
  row.above_roof = !timing.peer && timing.roof && *timing.roof > 1;  // Winograd does less than the work that is counted
  return row;
}

// Of our implementations.
BestAndMedian best_and_median(const std::vector<TimingRow>& rows, std::optional<double> Timing::*field) {
  std::vector<double> values;
  for (const TimingRow& row : rows) {
    if (row.outcome == Outcome::kMeasured && !row.timing.peer && row.timing.*field)
      values.push_back(*(row.timing.*field));
  }
  if (values.empty()) return {};
  const Spread spread = spread_of(std::move(values));
  return {spread.max, spread.median};
}

void finish_operation(OperationRow& row) {
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
  const std::vector<std::vector<PeerRatio>> ratios = ratios_to_peers(records.timings);
  for (std::size_t i = 0; i < records.timings.size(); ++i) {
    const Timing& timing = records.timings[i];
    TimingRow row = row_of(timing);
    row.faster = ratios[i];
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
