#include "reports/gate_markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/markdown_document.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

constexpr std::size_t kWorstRows = 10;

std::string ruling_text(Ruling ruling) {
  const std::string name = escape_markdown(to_text(ruling));
  return is_failure(ruling) || ruling == Ruling::kInvalid ? "**" + name + "**" : name;
}

std::string times_text(const TimeChange& row) {
  return row.baseline_ns && row.candidate_ns
             ? fmt::format("{} → {}", show_duration(row.baseline_ns), show_duration(row.candidate_ns))
             : "–";
}

std::string allowed_text(const TimeChange& row) { return show_change(row.delta); }

std::string p_text(const TimeChange& row) { return show_ratio(row.adjusted); }

std::string changed_row(const TimeChange& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |", ruling_text(row.ruling), short_text(row.op),
                     short_text(row.pass), show_change(row.change), show_interval(row), allowed_text(row), p_text(row),
                     times_text(row), short_code(row.case_text), short_text(row.reason));
}

std::string pool_line(const TimeChange& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |", ruling_text(row.ruling), short_text(row.op),
                     short_text(row.pass), row.rows, show_change(row.change), show_interval(row), allowed_text(row),
                     p_text(row), short_text(row.reason));
}

std::string control_line(const TimeChange& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", ruling_text(row.ruling), short_text(row.op),
                     short_text(row.pass), show_change(row.change), allowed_text(row),
                     short_text(show_launches(row.screened)), short_code(row.case_text), short_text(row.reason));
}

std::string arrow(const std::optional<double>& before, const std::optional<double>& after) {
  return before || after ? fmt::format("{} → {}", show_ratio(before), show_ratio(after)) : "–";
}

std::string exactness_line(const ExactnessRecord& e) {
  const std::string turn = e.turn == ExactnessTurn::kWorse ? "**worse**" : to_text(e.turn);
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} |", turn, short_text(e.op), short_text(e.pass),
                     short_text(e.isa), arrow(e.before_worst, e.after_worst), arrow(e.before_ulps, e.after_ulps),
                     short_code(e.case_text));
}

}  // namespace

void add_gate_tables(const GateSummary& gate, MarkdownDocument& document) {
  if (!gate.present) return;
  const char* head = "| | operation | pass | change | 95% | allowed | p (Holm) | time | case | reason |";
  const auto split = gate.rows.begin() + static_cast<std::ptrdiff_t>(std::min(kWorstRows, gate.rows.size()));
  std::vector<TimeChange> rest(split, gate.rows.end());
  std::erase_if(rest, [](const TimeChange& row) { return row.ruling == Ruling::kPass; });
  document.table("Ten worst rows of the gate", head,
                 rendered_lines(std::vector<TimeChange>(gate.rows.begin(), split), changed_row), 12000);
  document.table("Pools", "| | operation | pass | rows | change | 95% | allowed | p (Holm) | reason |",
                 rendered_lines(gate.pools, pool_line), 10000);
  document.table("Exactness against the reviewed file",
                 "| | operation | pass | instruction set | error / bound | ulps | case |",
                 rendered_lines(gate.exactness, exactness_line), 9000);
  document.table("More rows that did not simply hold", head, rendered_lines(rest, changed_row), 10000);
  document.table("Controls: the baseline against its copy, and canaries",
                 "| | operation | pass | change | allowed | launches | case | reason |",
                 rendered_lines(gate.controls, control_line), 8000);
  document.paragraph(noise_sentence(gate));
  document.paragraph(escape_markdown(gate.calibration));
}

std::string render_gate_markdown(const Records& records) {
  const Summary s = summarize(records);
  MarkdownDocument document;
  document.paragraph(
      "# gradproof gate\n\n**" +
      escape_markdown(s.gate.present ? s.gate.sentence : "Nothing was learned: no record of a gate was given.") + "**");
  for (const std::string& fault : s.faults) document.paragraph("Fault: " + escape_markdown(fault) + ".");
  add_gate_tables(s.gate, document);
  add_environments(s, document);
  return document.take();
}

}  // namespace gradproof
