#include "gate/trial.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

namespace gradproof {
namespace {

constexpr size_t kSmallestPool = 3;
// Suspects that are confirmed whatever the minutes say: a gate that never comes to its test could not fail.
constexpr size_t kAlwaysConfirmed = 3;
constexpr double kIntervalConfidence = 0.95;

using Rows = std::vector<std::unique_ptr<GateRow>>;

// Slowdowns are judged upwards, speed-ups downwards.
double p_of(const std::vector<double>& values, double delta) {
  if (hodges_lehmann(values) >= 0) return signed_rank_p(values, std::log1p(delta));
  std::vector<double> mirrored;
  for (double value : values) mirrored.push_back(-value);
  return signed_rank_p(mirrored, std::log1p(delta));
}

bool is_suspect(const Evidence& evidence) {
  return !evidence.screened.empty() && std::abs(median_of(evidence.screened)) > std::log1p(evidence.suspicion);
}

// Mean over the rows by launch. Rows that missed a launch are left out.
std::vector<double> pooled(const std::vector<const GateRow*>& rows, std::vector<double> Evidence::*stage) {
  size_t launches = 0;
  for (const GateRow* row : rows) launches = std::max(launches, (row->evidence.*stage).size());
  std::vector<double> sums(launches, 0.0);
  int count = 0;
  for (const GateRow* row : rows) {
    const std::vector<double>& values = row->evidence.*stage;
    if (values.size() != launches) continue;
    for (size_t i = 0; i < launches; ++i) sums[i] += values[i];
    ++count;
  }
  for (double& sum : sums) sum /= std::max(count, 1);
  return sums;
}

// Why the clock was not to be trusted, or nothing.
std::string why_invalid(const GateResult& result) {
  int comparable = 0, decided = 0;
  for (const auto& row : result.rows) {
    comparable += row->bout.comparable();
    decided += !row->evidence.screened.empty();
  }
  if (2 * decided < comparable)
    return fmt::format("other work disturbed {} of {} rows", comparable - decided, comparable);
  for (const auto& control : result.controls)
    if (control->evidence.verdict == GateVerdict::kInvalid)
      return fmt::format("the control {} {}", control->bout.key.to_text(), control->evidence.reason);
  return {};
}

// The gravest verdict of all rows and pools that can be compared; NOT_COMPARABLE where there is none.
GateVerdict gravest(const GateResult& result) {
  GateVerdict worst = GateVerdict::kNotComparable;
  const auto take = [&](const Evidence& evidence) {
    if (evidence.verdict == GateVerdict::kNotComparable) return;
    worst = worst == GateVerdict::kNotComparable ? evidence.verdict : std::max(worst, evidence.verdict);
  };
  for (const auto& row : result.rows) take(row->evidence);
  for (const GatePool& pool : result.pools) take(pool.evidence);
  return worst;
}

void conclude_all(GateResult& result) {
  result.verdict = gravest(result);
  result.reason.clear();
  if (result.verdict == GateVerdict::kNotComparable)
    result.reason =
        "no row can be compared: " + (result.rows.empty() ? "there is none" : result.rows.front()->evidence.reason);
  else if (const std::string why = why_invalid(result); !why.empty()) {
    result.verdict = GateVerdict::kInvalid;
    result.reason = why + "; run it again on a quieter machine";
  }
  if (result.unknown_exactness && result.verdict < GateVerdict::kInconclusive) {
    result.verdict = GateVerdict::kInconclusive;
    result.reason = "no error could be compared with the reviewed file; see gradproof gate --bless";
  }
  // What the candidate lost, and that errors have grown, is certain, whatever the clock says.
  for (const auto& row : result.rows)
    if (row->bout.lost) {
      result.verdict = GateVerdict::kLost;
      result.reason = fmt::format("{}: {}", row->bout.key.to_text(), row->bout.refused);
      return;
    }
  if (result.less_exact.empty() || result.verdict == GateVerdict::kFail) return;
  result.verdict = GateVerdict::kLessExact;
  result.reason = fmt::format("less exact than the reviewed file: {}", fmt::join(result.less_exact, ", "));
}

class Trial {
 public:
  Trial(Arena& arena, const GateRules& rules, const TrialHooks& hooks) : arena_(arena), rules_(rules), hooks_(hooks) {}

  GateResult run(const std::vector<GateCase>& cases) {
    enrol(cases);
    screen();
    confirm();
    recur();
    judge();
    result_.seconds = seconds();
    result_.baseline = arena_.baseline();
    result_.candidate = arena_.candidate();
    return std::move(result_);
  }

 private:
  void enrol(const std::vector<GateCase>& cases) {
    for (const GateCase& c : cases) {
      result_.rows.push_back(new_row(c.op, c.key, Rival::kCandidate, c.handicap));
      planned_ += c.seconds;
    }
    // Evenly over the rows, so that every kind of kernel is among them.
    const size_t controls = std::min(cases.size(), static_cast<size_t>(rules_.controls));
    for (size_t i = 0; i < controls; ++i) {
      const GateCase& c = cases[i * cases.size() / controls];
      result_.controls.push_back(new_row(c.op, c.key, Rival::kCopy));
      planned_ += c.seconds;
    }
    for (const RowKey& canary : {kFmaCanary, kTriadCanary})
      result_.controls.push_back(new_row("canary", canary, Rival::kCandidate));
  }

  static std::unique_ptr<GateRow> new_row(std::string op, const RowKey& key, Rival rival, double handicap = 0) {
    auto row = std::make_unique<GateRow>();
    row->op = std::move(op);
    row->bout.key = key;
    row->bout.rival = rival;
    row->bout.handicap = handicap;
    return row;
  }

  // Lets the rows fight and keeps what the launches gave.
  void fight(const std::vector<GateRow*>& rows, const Effort& effort, std::vector<double> Evidence::*stage) {
    std::vector<Bout*> bouts;
    for (GateRow* row : rows) {
      bouts.push_back(&row->bout);
      row->bout.launches.clear();
    }
    arena_.fight(bouts, effort, [&](const Bout& bout) { hooks_.progress(progress(), bout.key.to_text()); });
    for (GateRow* row : rows) row->evidence.*stage = row->bout.launches;
  }

  std::vector<GateRow*> everyone() const {
    std::vector<GateRow*> rows;
    for (const Rows* some : {&result_.rows, &result_.controls})
      for (const auto& row : *some) rows.push_back(row.get());
    return rows;
  }

  void screen() {
    const std::vector<GateRow*> rows = everyone();
    // The first launch tells how long a run and a load take and shows what cannot be compared.
    fight(rows, rules_.screening, &Evidence::screened);
    for (const auto& row : result_.rows) set_limits(row->evidence, rules_.delta_of(row->bout.ns), rules_.suspicion);
    for (const auto& control : result_.controls) set_limits(control->evidence, limit_of(*control), 1);
    make_pools();
    measure_noise();
  }

  static void set_limits(Evidence& evidence, double delta, double suspicion) {
    evidence.delta = delta;
    evidence.suspicion = suspicion * delta;
  }

  void make_pools() {
    std::map<std::pair<std::string, std::string>, std::vector<const GateRow*>> groups;
    for (const auto& row : result_.rows)
      if (row->bout.comparable()) groups[{row->op, row->bout.key.pass}].push_back(row.get());
    for (auto& [key, rows] : groups) {
      if (rows.size() < kSmallestPool) continue;
      GatePool pool{.op = key.first, .pass = key.second, .rows = std::move(rows), .evidence = {}};
      set_limits(pool.evidence, rules_.pool_delta, rules_.suspicion);
      pool.evidence.screened = pooled(pool.rows, &Evidence::screened);
      result_.pools.push_back(std::move(pool));
    }
  }

  // Variances of controls are pooled: three launches of one row say little.
  void measure_noise() {
    double sum = 0;
    int count = 0;
    for (const auto& control : result_.controls) {
      if (control->evidence.screened.size() < 2) continue;
      const double deviation = deviation_of(control->evidence.screened);
      sum += deviation * deviation;
      ++count;
    }
    result_.noise = count > 0 ? std::sqrt(sum / count) : std::numeric_limits<double>::quiet_NaN();
    result_.detectable = rules_.detectable(result_.noise);
  }

  // The worst first, as many as the minutes allow; controls always.
  void confirm() {
    std::vector<GateRow*> suspects;
    for (const auto& row : result_.rows)
      if (row->bout.comparable() && (is_suspect(row->evidence) || in_suspect_pool(*row))) suspects.push_back(row.get());
    std::sort(suspects.begin(), suspects.end(),
              [](const GateRow* a, const GateRow* b) { return a->evidence.change() > b->evidence.change(); });
    std::vector<GateRow*> chosen;
    for (const auto& control : result_.controls)
      if (is_suspect(control->evidence)) chosen.push_back(control.get());
    planned_ = seconds();
    size_t confirmed = 0;
    for (GateRow* row : suspects) {
      const double row_seconds = (row_ns(row->bout.ns, row->bout.loading_ns, rules_.confirmation) +
                                  row_ns(row->bout.ns, row->bout.loading_ns, rules_.recurrence)) *
                                 1e-9;
      if (confirmed >= kAlwaysConfirmed && planned_ + row_seconds > rules_.minutes * 60) break;
      planned_ += row_seconds;
      chosen.push_back(row);
      ++confirmed;
    }
    if (chosen.empty()) return;
    fight(chosen, rules_.confirmation, &Evidence::confirmed);
    for (GatePool& pool : result_.pools)
      if (is_suspect(pool.evidence)) pool.evidence.confirmed = pooled(pool.rows, &Evidence::confirmed);
    weigh();
  }

  bool in_suspect_pool(const GateRow& row) const {
    return std::any_of(result_.pools.begin(), result_.pools.end(), [&](const GatePool& pool) {
      return is_suspect(pool.evidence) && std::find(pool.rows.begin(), pool.rows.end(), &row) != pool.rows.end();
    });
  }

  // Every claim of the run, of slowdowns and of speed-ups, shares one level.
  void weigh() {
    std::vector<Evidence*> weighed;
    std::vector<double> p;
    for (Evidence* evidence : claims()) {
      if (!evidence->is_weighed()) continue;
      evidence->p = p_of(evidence->confirmed, evidence->delta);
      evidence->interval = signed_rank_interval(evidence->confirmed, kIntervalConfidence);
      evidence->sign_interval = sign_test_interval(evidence->confirmed, kIntervalConfidence);
      weighed.push_back(evidence);
      p.push_back(evidence->p);
    }
    const std::vector<double> adjusted = holm_adjusted(p);
    for (size_t i = 0; i < weighed.size(); ++i) weighed[i]->adjusted = adjusted[i];
  }

  std::vector<Evidence*> claims() {
    std::vector<Evidence*> result;
    for (const auto& row : result_.rows) result.push_back(&row->evidence);
    for (GatePool& pool : result_.pools) result.push_back(&pool.evidence);
    return result;
  }

  bool is_proven_slower(const Evidence& evidence) const {
    return evidence.is_weighed() && evidence.adjusted <= rules_.level && evidence.slower();
  }

  void recur() {
    std::vector<GateRow*> slower;
    for (const auto& row : result_.rows) {
      const bool pooled_slower = std::any_of(result_.pools.begin(), result_.pools.end(), [&](const GatePool& pool) {
        return is_proven_slower(pool.evidence) &&
               std::find(pool.rows.begin(), pool.rows.end(), row.get()) != pool.rows.end();
      });
      if (is_proven_slower(row->evidence) || pooled_slower) slower.push_back(row.get());
    }
    if (slower.empty()) return;
    fight(slower, rules_.recurrence, &Evidence::recurred);
    for (GatePool& pool : result_.pools)
      if (is_proven_slower(pool.evidence)) pool.evidence.recurred = pooled(pool.rows, &Evidence::recurred);
  }

  void judge() {
    for (const auto& row : result_.rows) judge_row(*row);
    for (GatePool& pool : result_.pools) judge_evidence(pool.evidence, pool.op);
    for (GateRow* row : everyone()) {
      result_.dropped += row->bout.dropped;
      result_.batches += row->bout.batches;
    }
    for (const auto& control : result_.controls) judge_control(*control);
    conclude_all(result_);
  }

  void judge_row(GateRow& row) const {
    if (row.bout.comparable()) return judge_evidence(row.evidence, row.op);
    row.evidence.verdict = row.bout.lost ? GateVerdict::kLost : GateVerdict::kNotComparable;
    row.evidence.reason = row.bout.refused;
  }

  void judge_evidence(Evidence& evidence, const std::string& op) const {
    const auto conclude = [&](GateVerdict verdict, std::string reason) {
      evidence.verdict = verdict;
      evidence.reason = std::move(reason);
    };
    const double delta = std::log1p(evidence.delta);
    if (evidence.screened.empty()) return conclude(GateVerdict::kInconclusive, "other work disturbed every launch");
    if (!is_suspect(evidence) && evidence.confirmed.empty()) return conclude(GateVerdict::kPass, "");
    if (evidence.confirmed.empty() && !evidence.slower())
      return conclude(GateVerdict::kPass, "perhaps faster; the minutes ended before it was confirmed");
    if (evidence.confirmed.empty())
      return conclude(GateVerdict::kInconclusive, "moved on screening; the minutes ended before it was confirmed");
    if (!evidence.is_weighed()) return conclude(GateVerdict::kInconclusive, "other work disturbed too many launches");
    if (evidence.adjusted > rules_.level) {
      if (evidence.interval.high <= delta) return conclude(GateVerdict::kPass, "");
      return conclude(GateVerdict::kInconclusive,
                      fmt::format("cannot exclude {:+.1f}%", 100 * std::expm1(evidence.interval.high)));
    }
    if (!evidence.slower()) return conclude(GateVerdict::kImproved, "");
    if (evidence.recurred.empty() || median_of(evidence.recurred) <= delta)
      return conclude(GateVerdict::kInconclusive, "did not recur with other buffers and environments");
    if (hooks_.same_code(op))
      return conclude(GateVerdict::kLayout, "the kernels are the same machine code in both programs");
    conclude(GateVerdict::kFail, "");
  }

  double limit_of(const GateRow& control) const {
    return std::max(rules_.control_limit, rules_.delta_of(control.bout.ns));
  }

  // What stands still may move by the limit, and only if fresh data say so, too, the run is void.
  void judge_control(GateRow& control) const {
    Evidence& evidence = control.evidence;
    evidence.verdict = GateVerdict::kPass;
    if (!control.bout.comparable()) {
      evidence.verdict = GateVerdict::kNotComparable;
      evidence.reason = control.bout.refused;
    }
    if (evidence.confirmed.empty() || std::abs(evidence.change()) <= std::log1p(limit_of(control))) return;
    evidence.verdict = GateVerdict::kInvalid;
    evidence.reason = fmt::format("moved by {:+.1f}% with nothing changed", 100 * std::expm1(evidence.change()));
  }

  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  double progress() const { return planned_ > 0 ? std::min(0.99, seconds() / planned_) : 0; }

  Arena& arena_;
  const GateRules& rules_;
  const TrialHooks& hooks_;
  GateResult result_;
  double planned_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

double GateRules::detectable(double noise) const {
  return delta + detectable_change(noise, confirmation.launches, level, 0.95);
}

double Evidence::change() const {
  if (!confirmed.empty()) return hodges_lehmann(confirmed);
  return screened.empty() ? 0 : median_of(screened);
}

int GateResult::count(GateVerdict wanted) const {
  int count = 0;
  for (const auto& row : rows) count += row->evidence.verdict == wanted;
  for (const GatePool& pool : pools) count += pool.evidence.verdict == wanted;
  return count;
}

GateResult run_trial(Arena& arena, const std::vector<GateCase>& cases, const GateRules& rules,
                     const TrialHooks& hooks) {
  return Trial(arena, rules, hooks).run(cases);
}

void weigh_exactness(GateResult& result, const ExactnessShift& shift) {
  std::map<std::pair<std::string, std::string>, std::vector<Evidence*>> groups;
  for (const auto& row : result.rows) groups[{row->op, row->bout.key.pass}].push_back(&row->evidence);
  for (GatePool& pool : result.pools) groups[{pool.op, pool.pass}].push_back(&pool.evidence);
  const auto trade = [&](const std::pair<std::string, std::string>& key, GateVerdict from, const char* reason) {
    bool found = false;
    for (Evidence* evidence : groups[key]) {
      if (evidence->verdict != from) continue;
      evidence->verdict = GateVerdict::kTrade;
      evidence->reason = reason;
      found = true;
    }
    return found;
  };
  for (const auto& key : shift.worse)
    if (!trade(key, GateVerdict::kImproved, "faster but less exact"))
      result.less_exact.push_back(key.first + " " + key.second);
  for (const auto& key : shift.better)
    if (!shift.worse.contains(key)) trade(key, GateVerdict::kFail, "slower but more exact");
  conclude_all(result);
}

}  // namespace gradproof
