#include "reports/markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "reports/format.h"
#include "reports/judge.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

// A review comment holds 65,536 characters; bytes are counted here, which are never fewer.
constexpr std::size_t kMostBytes = 59000;
constexpr std::size_t kMostProse = 160;
constexpr std::size_t kMostCode = 400;

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t cut = most;
  while ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // never inside a UTF-8 character
  return text.substr(0, cut) + "…";
}

std::string plain(const std::string& text) { return text.empty() ? "–" : escape_markdown(shortened(text, kMostProse)); }

std::string code(const std::string& text) { return markdown_code(shortened(text, kMostCode)); }

// Builds the text line by line and never beyond the limit; tables that do not fit say how much they leave out.
class Document {
 public:
  void paragraph(const std::string& text) {
    if (fits(text.size() + 2)) out_ += text + "\n\n";
  }

  void table(const std::string& title, const std::string& head, const std::vector<std::string>& rows,
             std::size_t budget) {
    if (rows.empty()) return;
    const auto columns = static_cast<std::size_t>(std::count(head.begin(), head.end(), '|')) - 1;
    std::string text = "## " + title + "\n\n" + head + "\n|";
    for (std::size_t i = 0; i < columns; ++i) text += " --- |";
    text += '\n';
    std::size_t shown = 0;
    for (const std::string& row : rows) {
      const std::size_t size = text.size() + row.size() + 1;
      if (size > budget || !fits(size + kNote)) break;
      text += row + '\n';
      ++shown;
    }
    if (shown < rows.size())
      text += fmt::format("\n{} more left out here; the HTML report and the CSV have them.\n", rows.size() - shown);
    if (fits(text.size() + 1)) out_ += text + '\n';
  }

  std::string take() { return std::move(out_); }

 private:
  static constexpr std::size_t kNote = 120;
  bool fits(std::size_t size) const { return out_.size() + size <= kMostBytes; }

  std::string out_;
};

std::string worst_row(const FailureRow& row) {
  const Check& c = row.check;
  const bool failed = judge(c).status == Status::kFail;
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", failed ? "**FAIL**" : "pass", plain(c.op),
                     plain(c.pass), plain(c.oracle), plain(c.impl), show_ratio(c.worst), code(c.case_text),
                     plain(row.reason));
}

std::string failure_row(const FailureRow& row) {
  const Check& c = row.check;
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", plain(c.oracle), plain(c.pass), plain(row.reason),
                     plain(c.where), plain(c.expected), plain(c.got), code(c.shrunk), code(row.command));
}

std::string operation_line(const OperationRow& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |", plain(row.op), row.cases,
                     row.checks.passed, row.checks.failed, row.checks.skipped, show_ratio(row.worst),
                     show_digits(row.digits), show_rate(row.gflops.best), show_rate(row.gbps.best),
                     show_percent(row.roof.best), row.measured,
                     row.state == State::kVerified ? "verified"
                     : row.state == State::kFailed ? "**failed**"
                                                   : "**not checked**");
}

std::string against_line(const AgainstPeer& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |", plain(row.op), plain(row.pass), row.threads,
                     plain(row.impl), plain(row.peer), row.rows, show_rate(row.mean), show_rate(row.least),
                     show_rate(row.most));
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
        faster += fmt::format("{}{} {}", faster.empty() ? "" : ", ", show_rate(ratio), plain(peer));
        least = std::min(least, ratio);
      }
      if (faster.empty()) continue;
      rows.emplace_back(least,
                        fmt::format("| {} | {} | {} | {} | {} | {} |", code(t.layer.empty() ? t.case_text : t.layer),
                                    plain(t.pass), t.threads, plain(t.impl), show_duration(t.ns), faster));
    }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (auto& [least, line] : rows) out.push_back(std::move(line));
  return out;
}

std::string finding_line(const PeerFinding& row) {
  const Check& c = row.example.check;
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", plain(c.op), plain(c.impl), plain(c.oracle),
                     row.count, plain(row.example.reason.empty() ? c.where : row.example.reason), plain(c.expected),
                     plain(c.got), code(row.example.command));
}

std::string planted_line(const FailureRow& row) {
  const Check& c = row.check;
  const char* verdict = c.status == Status::kPass ? "caught" : c.status == Status::kSkip ? "not run" : "**missed**";
  return fmt::format("| {} | {} | {} | {} | {} |", plain(c.mutant), plain(c.op), verdict, plain(c.caught_by),
                     code(c.shrunk.empty() ? c.case_text : c.shrunk));
}

template <class Row, class Render>
std::vector<std::string> lines(const std::vector<Row>& rows, Render render) {
  std::vector<std::string> out;
  out.reserve(rows.size());
  for (const Row& row : rows) out.push_back(render(row));
  return out;
}

std::string reason_line(const ReasonRow& row) {
  return fmt::format("| {} | {} | {} | {} |", row.count, row.what, plain(row.op), plain(row.reason));
}

std::string loose_line(const LooseBound& row) {
  return fmt::format("| {} | {} | {} | {} | {} |", plain(row.op), plain(row.pass), plain(row.oracle), row.checks,
                     show_ratio(row.worst));
}

void add_environments(const Summary& summary, Document& document) {
  for (const Environment& e : summary.environments) {
    document.paragraph(fmt::format("{}; {}; {}; commit {}; {}", plain(e.processor), plain(e.isa), plain(e.compiler),
                                   plain(e.commit), plain(e.time)));
  }
}

}  // namespace

std::string render_markdown(const Records& records) {
  const Summary s = summarize(records);
  Document document;
  document.paragraph("# gradproof\n\n**" + escape_markdown(s.sentence) + "**");
  for (const std::string& fault : s.faults) document.paragraph("Fault: " + escape_markdown(fault) + ".");
  document.table("Ten worst rows", "| | operation | pass | oracle | implementation | error / bound | case | reason |",
                 lines(s.worst_rows, worst_row), 22000);
  document.table("Failures", "| oracle | pass | reason | where | expected | got | smaller case | repeat |",
                 lines(s.failures, failure_row), 12000);
  document.table("Operations",
                 "| operation | cases | passed | failed | skipped | worst error / bound | gradient digits | GFLOP/s | "
                 "GB/s | of roof | "
                 "timings | verdict |",
                 lines(s.operations, operation_line), 12000);
  document.table("Times faster than peers",
                 "| operation | pass | threads | implementation | peer | rows | geometric mean | least | most |",
                 lines(s.against_peers, against_line), 6000);
  document.table("Timings beside peers", "| layer | pass | threads | implementation | time | times faster than peer |",
                 rival_lines(s), 7000);
  document.table("Findings about peers",
                 "| operation | peer | oracle | checks | for instance | expected | got | repeat |",
                 lines(s.peer_findings, finding_line), 5000);
  document.table("Planted bugs", "| bug | operation | verdict | caught by | case |",
                 lines(s.planted_bugs, planted_line), 8000);
  document.table("Not run, and why", "| count | what | operation | reason |", lines(s.not_run, reason_line), 6000);
  document.table("Bounds that are never approached", "| operation | pass | oracle | checks | largest error / bound |",
                 lines(s.loose, loose_line), 4000);
  add_environments(s, document);
  return document.take();
}

}  // namespace gradproof
