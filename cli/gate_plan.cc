#include "cli/gate_plan.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "cli/running.h"
#include "cli/selection.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

// Of the minutes, what screening may take; the rest is for what moved.
constexpr double kScreeningShare = 0.5;

// Rates that make a first guess of how long a run takes: what a kernel of middling quality reaches on one core.
constexpr double kGuessedGflops = 50, kGuessedGbps = 10;

struct Candidate {
  GateCase row;
  double ns;
};

double guessed_ns(const Operation& operation, const Case& c, const Pass& pass) {
  const Cost cost = operation.spec.cost(c.attributes, pass);
  return std::max(cost.flops / kGuessedGflops, cost.bytes / kGuessedGbps);
}

// Every pass of every chosen layer by our kernels.
std::vector<Candidate> all_rows(const GateCommand& command, const Registry& registry) {
  std::vector<Candidate> rows;
  std::set<RowKey> seen;
  for (const Layer& layer : chosen_layers(command.wish, registry)) {
    const Operation& operation = registry.find(layer.work.spec->name);
    for (const Pass& pass : operation.spec.passes()) {
      if (!has_pass(operation.spec, layer.work.attributes, pass)) continue;
      const RowKey key{layer.work.to_text(), pass.to_text()};
      if (seen.insert(key).second)
        rows.push_back({{operation.spec.name, key}, guessed_ns(operation, layer.work, pass)});
    }
  }
  return rows;
}

// As many rows as the minutes allow, the shortest first, in their own order.
std::vector<GateCase> affordable(const std::vector<Candidate>& rows, const GateRules& rules) {
  std::vector<size_t> order(rows.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rows[a].ns < rows[b].ns; });
  double left =
      kScreeningShare * rules.minutes * 60 - screening_seconds(static_cast<size_t>(rules.controls) + 2, rules);
  std::vector<size_t> taken;
  for (size_t i : order) {
    left -= row_ns(rows[i].ns, rules.screening) * 1e-9;
    if (left < 0 && !taken.empty()) break;
    taken.push_back(i);
  }
  std::sort(taken.begin(), taken.end());
  std::vector<GateCase> cases;
  for (size_t i : taken) cases.push_back(rows[i].row);
  return cases;
}

// "5%:PATTERN": the slowdown, and the rows it is planted into by their text "case pass".
void plant(const std::string& wish, std::vector<GateCase>& cases) {
  if (wish.empty()) return;
  const size_t colon = wish.find("%:");
  double percent = 0;
  const char* const end = wish.data() + std::min(colon, wish.size());
  if (colon == std::string::npos || std::from_chars(wish.data(), end, percent).ptr != end || !(percent > 0))
    refuse("'{}' is no planted slowdown; write it as 5%:PATTERN, such as 5%:conv:*", wish);
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
  const std::vector<Candidate> rows = all_rows(command, registry);
  GatePlan plan{.cases = affordable(rows, rules)};
  plan.left_out = rows.size() - plan.cases.size();
  plant(command.plant, plan.cases);
  return plan;
}

}  // namespace gradproof
