#include "reports/junit.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <vector>

#include "reports/format.h"
#include "reports/gate_junit.h"
#include "reports/judge.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

std::string details_of(const Check& c) {
  std::string text;
  const auto add = [&text](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("{}: {}\n", name, value);
  };
  add("where", c.where);
  add("expected", c.expected);
  add("got", c.got);
  if (c.worst) add("error / bound", show_ratio(c.worst));
  add("smaller case", c.shrunk);
  add("repeat", repeat_command(c));
  return text;
}

// What a peer fails is told, and breaks nobody's build.
Judged verdict_on(const Check& c) {
  const Judged judged = judge(c);
  if (!c.peer || judged.status != Status::kFail) return judged;
  return {Status::kSkip, "finding about a peer: " + (judged.reason.empty() ? details_of(c) : judged.reason)};
}

std::string message_of(const Check& c, const Judged& judged) {
  if (!judged.reason.empty()) return judged.reason;
  if (is_planted_bug(c)) return "the planted bug " + c.mutant + " was not caught";
  return c.worst ? fmt::format("error is {} times its bound", show_ratio(c.worst)) : "failed";
}

std::string test_case(const Check& c) {
  const Judged judged = verdict_on(c);
  std::string name = c.case_text + (c.pass.empty() ? "" : " " + c.pass) + " " + c.impl;
  if (!c.isa.empty()) name += " " + c.isa;
  if (!c.mutant.empty()) name += " [" + c.mutant + "]";
  std::string out = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\"",
                                escape_xml(c.op + "." + c.oracle), escape_xml(name), c.seconds.value_or(0));
  if (judged.status == Status::kPass) return out + "/>\n";
  if (judged.status == Status::kSkip) {
    return out + fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", escape_xml(judged.reason));
  }
  return out + fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                           escape_xml(message_of(c, judged)), escape_xml(details_of(c)));
}

std::string suite(const std::string& name, const std::vector<const Check*>& checks) {
  Counts counts;
  double seconds = 0;
  std::string cases;
  for (const Check* check : checks) {
    counts.add(verdict_on(*check).status);
    seconds += check->seconds.value_or(0);
    cases += test_case(*check);
  }
  return fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.6f}\">\n{}  "
      "</testsuite>\n",
      escape_xml(name), counts.all(), counts.failed, counts.skipped, seconds, cases);
}

constexpr const char* kNothingChecked =
    "  <testsuite name=\"gradproof\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n"
    "    <testcase classname=\"gradproof\" name=\"something was checked\">\n"
    "      <error message=\"nothing was checked\"/>\n    </testcase>\n  </testsuite>\n";

}  // namespace

std::string render_junit(const Records& records) {
  if (summarize(records).gate_only) return render_gate_junit(records);
  std::map<std::string, std::vector<const Check*>> by_op;
  Counts all, real;
  for (const Check& check : records.checks) {
    by_op[check.op].push_back(&check);
    all.add(verdict_on(check).status);
    if (!is_planted_bug(check)) real.add(judge(check).status);
  }
  const bool nothing = real.passed + real.failed == 0 && records.mutants.empty();
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"gradproof\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
      all.all() + (nothing ? 1 : 0), all.failed, nothing ? 1 : 0, all.skipped);
  if (nothing) out += kNothingChecked;
  for (const auto& [op, checks] : by_op) out += suite(op, checks);
  return out + "</testsuites>\n";
}

}  // namespace gradproof
