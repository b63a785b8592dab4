#include "reports/markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "reports/format.h"
#include "reports/gate_markdown.h"
#include "reports/judge.h"
#include "reports/markdown_document.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

std::string worst_row(const FailureRow& row) {
  const Check& c = row.check;
  const bool failed = judge(c).status == Status::kFail;
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", failed ? "**FAIL**" : "pass", short_text(c.op),
                     short_text(c.pass), short_text(c.oracle), short_text(c.impl), show_ratio(c.worst),
                     short_code(c.case_text), short_text(row.reason));
}

std::string failure_row(const FailureRow& row) {
  const Check& c = row.check;
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", short_text(c.oracle), short_text(c.pass),
                     short_text(row.reason), short_text(c.where), short_text(c.expected), short_text(c.got),
                     short_code(c.shrunk), short_code(row.command));
}

std::string operation_line(const OperationRow& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |", short_text(row.op), row.cases,
                     row.checks.passed, row.checks.failed, row.checks.skipped, show_ratio(row.worst),
                     show_digits(row.digits), show_rate(row.gflops.best), show_rate(row.gbps.best),
                     show_percent(row.roof.best), row.measured,
                     row.state == State::kVerified ? "verified"
                     : row.state == State::kFailed ? "**failed**"
                                                   : "**not checked**");
}

std::string against_line(const AgainstPeer& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |", short_text(row.op), short_text(row.pass),
                     row.threads, short_text(row.impl), short_text(row.peer), row.rows, show_rate(row.mean),
                     show_rate(row.least), show_rate(row.most));
}

// Every timing of ours that a peer has too, the slowest against its peers first.
std::vector<std::string> rival_lines(const Summary& summary) {
  std::vector<std::pair<double, std::string>> rows;
  for (const OperationRow& operation : summary.operations)
    for (const TimingRow& row : operation.timings) {
      const Timing& t = row.timing;
      std::string faster;
      double least = std::numeric_limits<double>::infinity();
      for (const auto& [peer, ratio] : row.faster) {
        faster += fmt::format("{}{} {}", faster.empty() ? "" : ", ", show_rate(ratio), short_text(peer));
        least = std::min(least, ratio);
      }
      if (faster.empty()) continue;
      rows.emplace_back(
          least, fmt::format("| {} | {} | {} | {} | {} | {} |", short_code(t.layer.empty() ? t.case_text : t.layer),
                             short_text(t.pass), t.threads, short_text(t.impl), show_duration(t.ns), faster));
    }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (auto& [least, line] : rows) out.push_back(std::move(line));
  return out;
}

std::string finding_line(const PeerFinding& row) {
  const Check& c = row.example.check;
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", short_text(c.op), short_text(c.impl),
                     short_text(c.oracle), row.count,
                     short_text(row.example.reason.empty() ? c.where : row.example.reason), short_text(c.expected),
                     short_text(c.got), short_code(row.example.command));
}

std::string planted_line(const FailureRow& row) {
  const Check& c = row.check;
  const char* verdict = c.status == Status::kPass ? "caught" : c.status == Status::kSkip ? "not run" : "**missed**";
  return fmt::format("| {} | {} | {} | {} | {} |", short_text(c.mutant), short_text(c.op), verdict,
                     short_text(c.caught_by), short_code(c.shrunk.empty() ? c.case_text : c.shrunk));
}

std::string property_line(const FailureRow& row) {
  const Check& c = row.check;
  const Status status = judge(c).status;
  const char* verdict = status == Status::kPass ? "holds" : status == Status::kSkip ? "not run" : "**does not hold**";
  return fmt::format("| {} | {} | {} | {} |", short_text(c.case_text), short_text(c.claim), verdict,
                     short_text(row.reason));
}

std::string reason_line(const ReasonRow& row) {
  return fmt::format("| {} | {} | {} | {} |", row.count, row.what, short_text(row.op), short_text(row.reason));
}

std::string loose_line(const LooseBound& row) {
  return fmt::format("| {} | {} | {} | {} | {} |", short_text(row.op), short_text(row.pass), short_text(row.oracle),
                     row.checks, show_ratio(row.worst));
}

}  // namespace

std::string render_markdown(const Records& records) {
  const Summary s = summarize(records);
  MarkdownDocument document;
  document.paragraph("# gradproof\n\n**" + escape_markdown(s.sentence) + "**");
  for (const std::string& fault : s.faults) document.paragraph("Fault: " + escape_markdown(fault) + ".");
  document.table("Ten worst rows", "| | operation | pass | oracle | implementation | error / bound | case | reason |",
                 rendered_lines(s.worst_rows, worst_row), 22000);
  document.table("Failures", "| oracle | pass | reason | where | expected | got | smaller case | repeat |",
                 rendered_lines(s.failures, failure_row), 12000);
  document.table("Operations",
                 "| operation | cases | passed | failed | skipped | worst error / bound | gradient digits | GFLOP/s | "
                 "GB/s | of roof | "
                 "timings | verdict |",
                 rendered_lines(s.operations, operation_line), 12000);
  document.table("Times faster than peers",
                 "| operation | pass | threads | implementation | peer | rows | geometric mean | least | most |",
                 rendered_lines(s.against_peers, against_line), 6000);
  document.table("Timings beside peers", "| layer | pass | threads | implementation | time | times faster than peer |",
                 rival_lines(s), 7000);
  document.table("Findings about peers",
                 "| operation | peer | oracle | checks | for instance | expected | got | repeat |",
                 rendered_lines(s.peer_findings, finding_line), 5000);
  document.table("Properties", "| property | claim | verdict | found |", rendered_lines(s.properties, property_line),
                 8000);
  document.table("Planted bugs", "| bug | operation | verdict | caught by | case |",
                 rendered_lines(s.planted_bugs, planted_line), 8000);
  document.table("Not run, and why", "| count | what | operation | reason |", rendered_lines(s.not_run, reason_line),
                 6000);
  document.table("Bounds that are never approached", "| operation | pass | oracle | checks | largest error / bound |",
                 rendered_lines(s.loose, loose_line), 4000);
  if (s.gate.present && !s.gate_only) document.paragraph("**" + escape_markdown(s.gate.sentence) + "**");
  add_gate_tables(s.gate, document);
  add_environments(s, document);
  return document.take();
}

}  // namespace gradproof
