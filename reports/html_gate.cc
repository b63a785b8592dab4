#include "reports/html_gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/gate_island.h"
#include "reports/html_sections.h"

namespace gradproof {
namespace {

constexpr std::size_t kMostOpenRows = 12;
constexpr std::size_t kMostExactnessRows = 300;

constexpr const char* kRowHead =
    "<th scope=\"col\">Row</th><th scope=\"col\">Verdict</th><th scope=\"col\" class=\"n\">Change</th>"
    "<th scope=\"col\" class=\"n\">95% interval</th><th scope=\"col\" class=\"n\">Allowed</th>"
    "<th scope=\"col\" class=\"n\">p (Holm)</th><th scope=\"col\" class=\"n\">Baseline</th>"
    "<th scope=\"col\" class=\"n\">Candidate</th><th scope=\"col\">Screening</th>";

std::string ruling_badge(const TimeChange& row) {
  const std::string tone = tone_of(row.ruling);
  const std::string reason =
      row.reason.empty() ? "" : fmt::format("<small class=\"why\">{}</small>", escape_html(row.reason));
  return fmt::format("<td>{}{}</td>", badge(tone == "better" ? "good" : tone.c_str(), to_text(row.ruling)), reason);
}

std::string row_name(const TimeChange& row) {
  const std::string case_text = row.case_text.empty() ? "" : fmt::format("<code>{}</code>", escape_html(row.case_text));
  return fmt::format("<th scope=\"row\">{}{}</th>", escape_html(name_of(row)), case_text);
}

std::string change_cell(const TimeChange& row) {
  return number_cell(show_change(row.change), row.change, is_failure(row.ruling) ? "n bad" : "n");
}

std::string launches_cell(const std::vector<double>& parts) {
  return fmt::format("<td class=\"launches\">{}</td>", show_launches(parts));
}

std::string evidence_cells(const TimeChange& row) {
  return change_cell(row) + number_cell(show_interval(row), row.high) + number_cell(show_change(row.delta), row.delta) +
         number_cell(show_ratio(row.adjusted), row.adjusted);
}

std::string gate_row_line(const TimeChange& row) {
  return fmt::format("<tr>{}{}{}{}{}{}</tr>\n", row_name(row), ruling_badge(row), evidence_cells(row),
                     number_cell(show_duration(row.baseline_ns), row.baseline_ns),
                     number_cell(show_duration(row.candidate_ns), row.candidate_ns), launches_cell(row.screened));
}

template <class Row, class Render>
std::string table_body(const std::vector<Row>& rows, Render render) {
  std::string body;
  for (const Row& row : rows) body += render(row);
  return body;
}

// "0.21 → 0.84"
std::string before_and_after(const std::optional<double>& before, const std::optional<double>& after) {
  return number_cell(before || after
                         ? fmt::format("<span class=\"before\">{} →</span> {}", show_ratio(before), show_ratio(after))
                         : "–",
                     after);
}

std::string exactness_row(const ExactnessRecord& e) {
  const char* tone = e.turn == ExactnessTurn::kWorse    ? "bad"
                     : e.turn == ExactnessTurn::kBetter ? "good"
                     : e.turn == ExactnessTurn::kGone   ? "warn"
                                                        : "quiet";
  return fmt::format("<tr><th scope=\"row\">{} {}<code>{}</code></th><td>{}</td>{}{}{}</tr>\n", escape_html(e.op),
                     escape_html(e.pass), escape_html(e.case_text), badge(tone, to_text(e.turn)), text_cell(e.isa),
                     before_and_after(e.before_worst, e.after_worst), before_and_after(e.before_ulps, e.after_ulps));
}

std::string control_row(const TimeChange& row) {
  return fmt::format("<tr>{}{}{}{}{}{}</tr>\n", row_name(row), ruling_badge(row), change_cell(row),
                     number_cell(show_change(row.delta), row.delta), launches_cell(row.screened),
                     launches_cell(row.confirmed));
}

std::string count_tile(const char* name, std::size_t count, const char* tone = "") {
  return figure_tile(name, show_count(static_cast<double>(count)), count > 0 ? tone : "");
}

}  // namespace

std::string html_gate_verdict(const Summary& summary) {
  const GateSummary& gate = summary.gate;
  std::string out = verdict_heading(summary) + "<dl class=\"figures\">\n";
  out += count_tile("Rows measured", gate.measured) + count_tile("Slower", gate.count(Ruling::kFail), "bad");
  out += count_tile("Less exact", gate.count(Ruling::kLessExact), "bad") +
         count_tile("Undecided", gate.count(Ruling::kInconclusive)) +
         count_tile("Faster", gate.count(Ruling::kImproved));
  out += figure_tile("Noise of a launch",
                     show_percent(gate.noise) + fmt::format(" <small>finds {}</small>", show_percent(gate.detectable)));
  return out + "</dl>\n" + fault_list(summary);
}

std::string html_gate_ruling(const GateSummary& gate) {
  const std::string tone = tone_of(gate.ruling);
  return fmt::format("<p class=\"ruling\" data-tone=\"{}\"><strong>{}</strong>{}</p>", tone == "better" ? "good" : tone,
                     escape_html(gate.headline), escape_html(gate.sentence.substr(gate.headline.size())));
}

std::string html_gate_rows(const GateSummary& gate) {
  if (gate.rows.empty()) return "<p class=\"none\">No row was compared.</p>";
  const auto held = std::find_if(gate.rows.begin(), gate.rows.end(),
                                 [](const TimeChange& row) { return row.ruling == Ruling::kPass; });
  const std::vector<TimeChange> moved(gate.rows.begin(), held), rest(held, gate.rows.end());
  std::string out = moved.empty() ? "<p class=\"none\">Every row held.</p>"
                                  : framed_table("Rows that did not simply hold, the gravest first", kRowHead,
                                                 table_body(moved, gate_row_line));
  if (rest.empty()) return out;
  return out + fmt::format("<details{}><summary>{} that held</summary>\n{}</details>\n",
                           gate.rows.size() <= kMostOpenRows ? " open" : "", plural(rest.size(), "row"),
                           framed_table("Rows that held", kRowHead, table_body(rest, gate_row_line)));
}

std::string html_gate_pools(const GateSummary& gate) {
  if (gate.pools.empty()) return "<p class=\"none\">No operation has enough rows for a pool.</p>";
  return framed_table("Geometric means by operation and pass",
                      "<th scope=\"col\">Pool</th><th scope=\"col\">Verdict</th><th scope=\"col\" "
                      "class=\"n\">Change</th><th scope=\"col\" class=\"n\">95% interval</th>"
                      "<th scope=\"col\" class=\"n\">Allowed</th><th scope=\"col\" class=\"n\">p (Holm)</th>"
                      "<th scope=\"col\">Launches on screening</th>",
                      table_body(gate.pools, [](const TimeChange& row) {
                        return fmt::format("<tr>{}{}{}{}</tr>\n", row_name(row), ruling_badge(row), evidence_cells(row),
                                           launches_cell(row.screened));
                      }));
}

std::string html_gate_exactness(const GateSummary& gate) {
  if (gate.exactness.empty()) return "<p class=\"none\">No change against the reviewed file was recorded.</p>";
  std::vector<ExactnessRecord> shown = gate.exactness;
  shown.resize(std::min(kMostExactnessRows, shown.size()));
  std::string out = framed_table("Errors against the reviewed file: before, and now",
                                 "<th scope=\"col\">Row</th><th scope=\"col\">Change</th><th scope=\"col\">Instruction "
                                 "set</th><th scope=\"col\" class=\"n\">Error / bound</th>"
                                 "<th scope=\"col\" class=\"n\">Ulps</th>",
                                 table_body(shown, exactness_row));
  if (shown.size() < gate.exactness.size())
    out += fmt::format("<p class=\"none\">{} more; the records have them all.</p>\n",
                       gate.exactness.size() - shown.size());
  return out;
}

std::string html_gate_controls(const GateSummary& gate) {
  if (gate.controls.empty()) return "<p class=\"none\">No control was run, so the noise is not known.</p>";
  return framed_table("Controls: the baseline against its copy, and canaries",
                      "<th scope=\"col\">Control</th><th scope=\"col\">Verdict</th><th scope=\"col\" "
                      "class=\"n\">Change</th><th scope=\"col\" class=\"n\">Allowed</th><th scope=\"col\">Launches on "
                      "screening</th><th scope=\"col\">Launches on fresh data</th>",
                      table_body(gate.controls, control_row));
}

}  // namespace gradproof
