#include "gate/exact/exactness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <limits>

#include "ops/core/error.h"

namespace gradproof {
namespace {

using Kind = ExactnessChange::Kind;

constexpr std::string_view kForcedPrefix = "simd@";

bool tells_exactness(const Check& check) {
  return !check.peer && check.impl.starts_with(kForcedPrefix) && (check.oracle == "forward" || check.oracle == "vjp");
}

// What ran says so itself; what crashed is known by its name.
std::string isa_of(const Check& check) {
  if (!check.isa.empty()) return check.isa;
  std::string isa = check.impl.substr(kForcedPrefix.size());
  std::transform(isa.begin(), isa.end(), isa.begin(), [](unsigned char c) { return std::toupper(c); });
  return isa;
}

double rounded(double value) { return std::strtod(exactness_number(value).c_str(), nullptr); }

Exactness value_of(const Check& check) {
  const bool holds =
      check.status == Status::kPass && check.compared.value_or(0) > 0 && check.worst && *check.worst <= 1;
  if (!holds) return {std::numeric_limits<double>::infinity(), std::nullopt};
  Exactness value{rounded(*check.worst), std::nullopt};
  if (check.ulps) value.ulps = rounded(*check.ulps);
  return value;
}

Exactness worst_of(const Exactness& a, const Exactness& b) {
  return {std::max(a.worst, b.worst), a.ulps && b.ulps ? std::max(a.ulps, b.ulps) : std::nullopt};
}

// Full holds smoke.
void widen(ExactnessScope& scope, const Check& check) {
  if (check.tier != "smoke" && check.tier != "full")
    refuse("exactness is kept for the tiers smoke and full, but {} was checked in tier '{}'", check.case_text,
           check.tier);
  if (scope.tier != "full") scope.tier = check.tier;
  if (scope.seed.empty()) scope.seed = check.seed;
  if (scope.seed != check.seed)
    refuse("the records mix seeds {} and {}; exactness is compared on the data of one seed", scope.seed, check.seed);
}

void require_same_scope(const ExactnessScope& file, const ExactnessScope& now) {
  if (file != now)
    refuse("the exactness baseline is of tier {}, seed {}, but tier {}, seed {} was checked", file.tier, file.seed,
           now.tier, now.seed);
}

// An absent number means that no digit was certain, which is worse than any number.
bool is_more(const std::optional<double>& a, const std::optional<double>& b) {
  const double none = std::numeric_limits<double>::infinity();
  return a.value_or(none) > b.value_or(none);
}

Kind kind_of_change(const Exactness& before, const Exactness& after) {
  const bool worse = after.worst > before.worst || is_more(after.ulps, before.ulps) || after.worst > 1;
  return worse ? Kind::kWorse : Kind::kBetter;
}

bool is_date(const std::string& text) {
  const std::string_view form = "dddd-dd-dd";
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](unsigned char c, char wanted) { return wanted == 'd' ? std::isdigit(c) != 0 : c == wanted; });
}

void require_blessable(const ExactnessRun& now) {
  for (const auto& [key, value] : now.values)
    if (!(value.worst <= 1))
      refuse("{} {} {} fails its check; what exceeds its derived bound cannot be blessed", key.case_text, key.pass,
             key.isa);
}

}  // namespace

std::string exactness_number(const std::optional<double>& value) { return value ? fmt::format("{:.3g}", *value) : "-"; }

bool ExactnessRun::covers(const ExactnessKey& key) const {
  return isas.contains(key.isa) && (ops.empty() || ops.contains(key.op));
}

ExactnessRun exactness_of(const Records& records) {
  ExactnessRun run{{"", ""}, {}, {}, {}};
  for (const Environment& environment : records.environments)
    run.isas.insert(environment.isas.begin(), environment.isas.end());
  if (run.isas.empty()) refuse("the records have no environment that names the instruction sets of the processor");
  for (const Check& check : records.checks) {
    if (!tells_exactness(check)) continue;
    widen(run.scope, check);
    if (check.status == Status::kSkip) continue;
    const auto [at, is_first] =
        run.values.emplace(ExactnessKey{check.op, check.case_text, check.pass, isa_of(check)}, value_of(check));
    if (!is_first) at->second = worst_of(at->second, value_of(check));
  }
  if (run.values.empty())
    refuse("the records hold no answer of forward or vjp about an implementation forced to an instruction set");
  return run;
}

std::size_t ExactnessComparison::count(Kind kind) const {
  return static_cast<std::size_t>(std::count_if(changes.begin(), changes.end(),
                                                [&](const ExactnessChange& change) { return change.kind == kind; }));
}

bool ExactnessComparison::held() const {
  return compared > 0 &&
         std::none_of(changes.begin(), changes.end(), [](const auto& change) { return change.is_loss(); });
}

ExactnessComparison compare_exactness(const ExactnessFile& baseline, const ExactnessRun& now) {
  require_same_scope(baseline.scope, now.scope);
  ExactnessComparison result;
  for (const auto& [key, before] : baseline.values) {
    if (!now.isas.contains(key.isa)) ++result.not_run[key.isa];
    if (!now.covers(key)) continue;
    const auto after = now.values.find(key);
    if (after == now.values.end()) {
      result.changes.push_back({key, Kind::kGone, before, std::nullopt});
      continue;
    }
    ++result.compared;
    if (before != after->second)
      result.changes.push_back({key, kind_of_change(before, after->second), before, after->second});
  }
  for (const auto& [key, after] : now.values)
    if (!baseline.values.contains(key))
      result.changes.push_back({key, after.worst > 1 ? Kind::kWorse : Kind::kNew, std::nullopt, after});
  std::sort(result.changes.begin(), result.changes.end(),
            [](const ExactnessChange& a, const ExactnessChange& b) { return a.key < b.key; });
  return result;
}

ExactnessFile bless_exactness(const ExactnessFile& old, const ExactnessRun& now, const std::string& reason,
                              const std::string& date) {
  require_same_scope(old.scope, now.scope);
  const auto is_control = [](unsigned char c) { return std::iscntrl(c) != 0; };
  if (reason.find_first_not_of(' ') == std::string::npos) refuse("a blessing needs a reason; the file keeps it");
  if (std::any_of(reason.begin(), reason.end(), is_control)) refuse("the reason of a blessing is one line of text");
  if (!is_date(date)) refuse("'{}' is no date; a blessing is dated like 2026-11-27", date);
  require_blessable(now);
  ExactnessFile file = old;
  file.blessings.push_back({date, reason});
  std::erase_if(file.values, [&](const auto& entry) { return now.covers(entry.first); });
  for (const auto& [key, value] : now.values) file.values.insert_or_assign(key, value);
  return file;
}

const char* name_of(Kind kind) {
  constexpr const char* kNames[] = {"worse", "better", "new", "gone"};
  return kNames[static_cast<int>(kind)];
}

std::string change_text(const ExactnessChange& change) {
  const auto worst = [](const std::optional<Exactness>& side) {
    return exactness_number(side ? std::optional(side->worst) : std::nullopt);
  };
  const auto ulps = [](const std::optional<Exactness>& side) {
    return exactness_number(side ? side->ulps : std::nullopt);
  };
  return fmt::format("{}: {} {} {}, error / bound {} -> {}, ulps {} -> {}", name_of(change.kind), change.key.case_text,
                     change.key.pass, change.key.isa, worst(change.before), worst(change.after), ulps(change.before),
                     ulps(change.after));
}

}  // namespace gradproof
