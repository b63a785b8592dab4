#include <fmt/format.h>

#include "reports/format.h"
#include "reports/html_sections.h"

namespace gradproof {
namespace {

constexpr int kTableColumns = 11;

constexpr const char* kHead =
    "<th scope=\"col\">Operation</th><th scope=\"col\">Verdict</th><th scope=\"col\">Passes</th>"
    "<th scope=\"col\" class=\"n\">Cases</th><th scope=\"col\" class=\"n\">Checks</th>"
    "<th scope=\"col\" class=\"n\">Error / bound</th><th scope=\"col\" class=\"n\">Gradient digits</th>"
    "<th scope=\"col\" class=\"n\">GFLOP/s <small>best / median</small></th>"
    "<th scope=\"col\" class=\"n\">GB/s <small>best / median</small></th>"
    "<th scope=\"col\" class=\"n\">Of roof <small>best</small></th><th scope=\"col\" class=\"n\">Timings</th>";

constexpr const char* kOracleHead =
    "<th scope=\"col\">Oracle</th><th scope=\"col\" class=\"n\">Passed</th><th scope=\"col\" class=\"n\">Failed</th>"
    "<th scope=\"col\" class=\"n\">Skipped</th><th scope=\"col\" class=\"n\">Worst error / bound</th>"
    "<th scope=\"col\" class=\"n\">Fewest digits</th>";

constexpr const char* kTimingHead =
    "<th scope=\"col\">Layer and case</th><th scope=\"col\">Pass</th><th scope=\"col\">Implementation</th>"
    "<th scope=\"col\">ISA</th><th scope=\"col\" class=\"n\">Threads</th><th scope=\"col\" class=\"n\">Time</th>"
    "<th scope=\"col\" class=\"n\">GFLOP/s</th><th scope=\"col\" class=\"n\">GB/s</th><th scope=\"col\" class=\"n\">Of "
    "roof</th>"
    "<th scope=\"col\" class=\"n\">Error / bound</th>{}<th scope=\"col\">Verdict</th><th scope=\"col\">Repeat</th>";

std::string verdict_badge(State state) {
  if (state == State::kVerified) return badge("good", "verified");
  return state == State::kFailed ? badge("bad", "failed") : badge("warn", "not checked");
}

std::string timing_badge(const TimingRow& row) {
  const std::string note =
      row.reason.empty() ? "" : fmt::format("<small class=\"why\">{}</small>", escape_html(row.reason));
  if (row.outcome == Outcome::kSkipped) return badge("quiet", "skipped") + note;
  if (row.outcome == Outcome::kRefused) return badge("warn", "refused") + note;
  if (row.above_roof) return badge("warn", "above roof");
  std::string oracles;
  for (const std::string& oracle : row.timing.verified) oracles += (oracles.empty() ? "" : ", ") + oracle;
  return badge("good", "verified") + fmt::format("<small class=\"why\">{}</small>", escape_html(oracles));
}

// One line a peer; the first, which is the plain one, is what the column sorts by.
std::string faster_cell(const TimingRow& row) {
  if (row.faster.empty()) return number_cell("", std::nullopt);
  std::string lines;
  for (const auto& [peer, ratio] : row.faster)
    lines += fmt::format("{}{}× <small>{}</small>", lines.empty() ? "" : "<br>", show_rate(ratio), escape_html(peer));
  return number_cell(lines, row.faster.front().ratio);
}

std::string timing_row(const TimingRow& row, bool has_peers) {
  const Timing& t = row.timing;
  const bool shown = row.outcome == Outcome::kMeasured;
  const auto figure = [&](const std::optional<double>& value, std::string (*show)(std::optional<double>)) {
    return shown ? number_cell(show(value), value) : number_cell("–", std::nullopt);
  };
  std::string out = fmt::format("<tr data-tone=\"{}\">", shown && !row.above_roof ? "good" : "warn");
  out += fmt::format("<th scope=\"row\">{}<code>{}</code></th>",
                     t.layer.empty() ? "" : "<span>" + escape_html(t.layer) + "</span>", escape_html(t.case_text));
  out += text_cell(t.pass) + text_cell(t.impl) + text_cell(t.isa);
  out += number_cell(std::to_string(t.threads), t.threads);
  const std::string spread = shown && row.spread ? fmt::format(" <small>± {}</small>", show_percent(row.spread)) : "";
  out += shown ? number_cell(show_duration(t.ns) + spread, t.ns) : number_cell("withheld", std::nullopt);
  out += figure(t.gflops, show_rate) + figure(t.gbps, show_rate) + figure(t.roof, show_percent);
  out += number_cell(show_ratio(t.worst), t.worst);
  if (has_peers) out += faster_cell(row);
  out += fmt::format("<td>{}</td>", timing_badge(row));
  out += fmt::format("<td><details class=\"command\"><summary>command</summary><code>{}</code></details></td></tr>\n",
                     escape_html(row.command));
  return out;
}

std::string timing_table(const OperationRow& row) {
  if (row.timings.empty()) return "<p class=\"none\">Nothing was timed.</p>";
  bool has_peers = false;
  for (const TimingRow& timing : row.timings) has_peers = has_peers || !timing.faster.empty();
  const char* peers = has_peers ? "<th scope=\"col\" class=\"n\">Times faster than peer</th>" : "";
  std::string body;
  for (const TimingRow& timing : row.timings) body += timing_row(timing, has_peers);
  return framed_table(fmt::format("Timings of {}, each verified at its own size", escape_html(row.op)),
                      fmt::format(kTimingHead, peers), body);
}

std::string oracle_table(const OperationRow& row) {
  if (row.oracles.empty()) return "<p class=\"none\">Nothing was checked.</p>";
  std::string body;
  for (const OracleCell& cell : row.oracles) {
    const Counts& c = cell.counts;
    if (c.all() == 0) continue;
    body += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(cell.oracle));
    body += number_cell(show_count(static_cast<double>(c.passed)), static_cast<double>(c.passed));
    body += number_cell(show_count(static_cast<double>(c.failed)), static_cast<double>(c.failed),
                        c.failed > 0 ? "n bad" : "n");
    body += number_cell(show_count(static_cast<double>(c.skipped)), static_cast<double>(c.skipped));
    body += number_cell(show_ratio(cell.worst), cell.worst, cell.worst.value_or(0) > 1 ? "n bad" : "n");
    body += number_cell(show_digits(cell.digits), cell.digits) + "</tr>\n";
  }
  return framed_table("Checks of " + escape_html(row.op) + " by oracle", kOracleHead, body);
}

std::string best_median_cell(const BestAndMedian& figures) {
  if (!figures.best) return number_cell("–", std::nullopt);
  return number_cell(
      fmt::format("{} <small class=\"beside\">/ {}</small>", show_rate(figures.best), show_rate(figures.median)),
      figures.best);
}

std::string checks_cell(const Counts& counts) {
  const auto count = [](std::size_t n) { return show_count(static_cast<double>(n)); };
  std::string shown = count(counts.passed);
  if (counts.failed > 0) shown += fmt::format(" <small class=\"bad\">{} failed</small>", count(counts.failed));
  if (counts.skipped > 0) shown += fmt::format(" <small>{} skipped</small>", count(counts.skipped));
  return number_cell(shown, static_cast<double>(counts.all()));
}

std::string timings_cell(const OperationRow& row) {
  std::string shown = show_count(static_cast<double>(row.measured));
  if (row.withheld > 0) shown += fmt::format(" <small>{} withheld</small>", row.withheld);
  return number_cell(shown, static_cast<double>(row.measured));
}

std::string operation_rows(const OperationRow& row) {
  std::string passes;
  for (const std::string& pass : row.passes)
    passes += (passes.empty() ? "" : " ") + fmt::format("<span>{}</span>", escape_html(pass));
  std::string out = fmt::format(
      "<tbody class=\"operation\" data-state=\"{}\">\n<tr><th scope=\"row\"><b>{}</b><small>{}</small></th>",
      to_text(row.state), escape_html(row.op),
      escape_html(row.note.empty() ? row.family : row.family + ", " + row.note));
  out +=
      fmt::format("<td>{}</td><td class=\"passes\">{}</td>", verdict_badge(row.state), passes.empty() ? "–" : passes);
  out +=
      number_cell(show_count(static_cast<double>(row.cases)), static_cast<double>(row.cases)) + checks_cell(row.checks);
  out += number_cell(show_ratio(row.worst), row.worst, row.worst.value_or(0) > 1 ? "n bad" : "n");
  out += number_cell(show_digits(row.digits), row.digits);
  out += best_median_cell(row.gflops) + best_median_cell(row.gbps);
  out += number_cell(show_percent(row.roof.best), row.roof.best, row.roof.best.value_or(0) > 1 ? "n warn" : "n");
  out += timings_cell(row) + "</tr>\n";
  out += fmt::format(
      "<tr class=\"more\"><td colspan=\"{}\"><details><summary>{}: {} by oracle, {}</summary>\n<div "
      "class=\"inside\">{}{}</div>"
      "</details></td></tr>\n</tbody>\n",
      kTableColumns, escape_html(row.op), plural(row.checks.all(), "check"), plural(row.timings.size(), "timing"),
      oracle_table(row), timing_table(row));
  return out;
}

}  // namespace

std::string html_operations(const Summary& summary) {
  if (summary.operations.empty()) return "<p class=\"none\">No operation was checked or timed.</p>";
  std::string out = fmt::format(
      "<div class=\"frame wide\" role=\"region\" tabindex=\"0\" aria-label=\"Operations\">\n"
      "<table id=\"operation-table\"><caption>One row an operation; open it for its checks by oracle "
      "and its timings.</caption><thead><tr>{}</tr></thead>\n",
      kHead);
  for (const OperationRow& row : summary.operations) out += operation_rows(row);
  return out + "</table></div>\n";
}

}  // namespace gradproof
