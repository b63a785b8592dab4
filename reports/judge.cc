#include "reports/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/spread.h"

namespace gradproof {
namespace {

bool is_shell_safe(const std::string& word) {
  return !word.empty() &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") ==
             std::string::npos;
}

// Case texts are shell-safe by construction; records may still hold anything, and this line is made to be pasted.
std::string shell_word(const std::string& word) {
  if (is_shell_safe(word)) return word;
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Judged judge(const Check& check) {
  if (check.status != Status::kPass || is_planted_bug(check)) return {check.status, check.reason};
  if (!check.compared || *check.compared == 0) return {Status::kFail, "the record claims a pass but compared nothing"};
  if (check.worst && *check.worst > 1) {
    return {Status::kFail,
            fmt::format("the record claims a pass but its error is {} times its bound", show_ratio(check.worst))};
  }
  return {Status::kPass, check.reason};
}

JudgedTiming judge(const Timing& timing) {
  if (timing.outcome != Outcome::kMeasured) return {timing.outcome, timing.reason};
  if (timing.verified.empty())
    return {Outcome::kRefused, "measured without a verdict at this size, so the time is withheld"};
  if (timing.worst && *timing.worst > 1) {
    return {Outcome::kRefused, fmt::format("the error at this size is {} times its bound, so the time is withheld",
                                           show_ratio(timing.worst))};
  }
  return {Outcome::kMeasured, timing.reason};
}

bool is_planted_bug(const Check& check) { return check.oracle == "self"; }

bool is_about_reference(const Check& check) { return check.impl == "reference"; }

std::string repeat_command(const Check& check) {
  if (!check.repro.empty()) return check.repro;
  std::string command = "gradproof check " + shell_word(check.case_text);
  if (!is_about_reference(check)) command += " --impl " + shell_word(check.impl);
  command += " --oracle " + shell_word(check.oracle);
  if (!check.seed.empty()) command += " --seed " + shell_word(check.seed);
  return command;
}

std::string repeat_command(const Timing& timing) {
  return fmt::format("gradproof bench {} --impl {} --threads {}", shell_word(timing.case_text), shell_word(timing.impl),
                     timing.threads);
}

std::optional<double> relative_spread(const Timing& timing) {
  if (timing.samples_ns.size() < 2) return std::nullopt;
  const Spread s = spread_of(timing.samples_ns);
  if (s.median <= 0) return std::nullopt;
  return (timing.samples_ns.size() < 4 ? s.max - s.min : s.q3 - s.q1) / s.median;
}

}  // namespace gradproof
