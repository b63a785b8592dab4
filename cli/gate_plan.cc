#include "cli/gate_plan.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "cli/running.h"
#include "cli/selection.h"
#include "ops/core/error.h"
#include "ops/core/pattern.h"

namespace gradproof {
namespace {

// Of the minutes, what screening may take, the rest is for what moved; and what one row may take of that.
constexpr double kScreeningShare = 0.5, kConfirmationShare = 0.5;

// Rates that make a first guess of how long a run takes: what a kernel of middling quality reaches on one core.
constexpr double kGuessedGflops = 50, kGuessedGbps = 10;

struct Candidate {
  GateCase row;
  double confirming_seconds;
};

Candidate candidate(const Operation& operation, const RowKey& key, const Cost& cost, const GateRules& rules) {
  const double ns = std::max(cost.flops / kGuessedGflops, cost.bytes / kGuessedGbps);
  const double loading = guessed_loading_ns(cost.bytes);
  return {{operation.spec.name, key, 0, row_ns(ns, loading, rules.screening) * 1e-9},
          (row_ns(ns, loading, rules.confirmation) + row_ns(ns, loading, rules.recurrence)) * 1e-9};
}

// Every pass of every chosen layer by our kernels.
std::vector<Candidate> all_rows(const GateCommand& command, const GateRules& rules, const Registry& registry) {
  std::vector<Candidate> rows;
  std::set<RowKey> seen;
  for (const Layer& layer : chosen_layers(command.wish, registry)) {
    const Operation& operation = registry.find(layer.work.spec->name);
    for (const Pass& pass : operation.spec.passes()) {
      if (!has_pass(operation.spec, layer.work.attributes, pass)) continue;
      const RowKey key{layer.work.to_text(), pass.to_text()};
      if (seen.insert(key).second)
        rows.push_back(candidate(operation, key, operation.spec.cost(layer.work.attributes, pass), rules));
    }
  }
  return rows;
}

// As many rows as the minutes allow, the shortest first, in their own order. The first ones have a control each, which
// takes as long.
GatePlan affordable(const std::vector<Candidate>& rows, const GateRules& rules) {
  constexpr double kCanaryRunNs = 50e3;
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto seconds = [&](size_t i) { return rows[i].row.seconds; };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return seconds(a) < seconds(b); });
  GatePlan plan;
  plan.screening_seconds = 2 * row_ns(kCanaryRunNs, guessed_loading_ns(0), rules.screening) * 1e-9;
  std::vector<size_t> taken;
  for (size_t i : order) {
    const double more = seconds(i) * (taken.size() < static_cast<size_t>(rules.controls) ? 2 : 1);
    const bool fits = plan.screening_seconds + more <= kScreeningShare * rules.minutes * 60 &&
                      rows[i].confirming_seconds <= kConfirmationShare * (1 - kScreeningShare) * rules.minutes * 60;
    if (!fits && !taken.empty()) break;
    plan.screening_seconds += more;
    taken.push_back(i);
  }
  std::sort(taken.begin(), taken.end());
  for (size_t i : taken) plan.cases.push_back(rows[i].row);
  plan.left_out = rows.size() - taken.size();
  return plan;
}

// "5%:PATTERN": the slowdown, and the rows it is planted into by their text "case pass".
void plant(const std::string& wish, std::vector<GateCase>& cases) {
  if (wish.empty()) return;
  const size_t colon = wish.find("%:");
  double percent = 0;
  const char* const end = wish.data() + std::min(colon, wish.size());
  if (colon == std::string::npos || std::from_chars(wish.data(), end, percent).ptr != end || !(percent > 0) ||
      percent > 100 * kMostHandicap)
    refuse("'{}' is no planted slowdown; write it as 5%:PATTERN, such as 5%:conv:*, of at most {}%", wish,
           100 * kMostHandicap);
  const std::string pattern = wish.substr(colon + 2);
  int planted = 0;
  for (GateCase& c : cases)
    if (matches_pattern(pattern, c.key.to_text())) {
      c.handicap = percent / 100;
      ++planted;
    }
  if (planted == 0) refuse("no row matches '{}'; rows are like '{}'", pattern, cases.front().key.to_text());
}

}  // namespace

GatePlan plan_gate(const GateCommand& command, const GateRules& rules, const Registry& registry) {
  GatePlan plan = affordable(all_rows(command, rules, registry), rules);
  plant(command.plant, plan.cases);
  return plan;
}

}  // namespace gradproof
