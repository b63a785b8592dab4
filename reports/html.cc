#include "reports/html.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "reports/assets.h"
#include "reports/format.h"
#include "reports/html_gate.h"
#include "reports/html_sections.h"
#include "reports/island.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

using Parts = std::map<std::string, std::string, std::less<>>;

// One pass over the page: what is put in is never looked at again, so data that holds "{{" stays data.
std::string fill(std::string_view page, const Parts& parts) {
  std::string out;
  for (;;) {
    const auto open = page.find("{{");
    out += page.substr(0, open);
    if (open == std::string_view::npos) return out;
    const auto close = page.find("}}", open);
    if (close == std::string_view::npos) throw std::logic_error("page.html has an unclosed {{");
    const auto name = page.substr(open + 2, close - open - 2);
    const auto part = parts.find(name);
    if (part == parts.end()) throw std::logic_error("page.html asks for an unknown part: " + std::string(name));
    out += part->second;
    page.remove_prefix(close + 2);
  }
}

std::string scripts(bool gate) {
  std::string out;
  for (const std::string_view name : {"chart.min.js", "theme.js", "ranges.js", "roofline.js", "scaling.js", "curves.js",
                                      "forest.js", "tables.js", "main.js"}) {
    if (name == "forest.js" && !gate) continue;
    out += fmt::format("<script>\n{}\n</script>\n", page_asset(name));
  }
  return out;
}

std::string stamp(const Summary& summary) {
  if (summary.environments.empty()) return "";
  const Environment& e = summary.environments.front();
  std::string out;
  if (!e.time.empty()) out += fmt::format(" <span>{}</span>", escape_html(e.time));
  if (!e.commit.empty()) out += fmt::format(" <span>commit {}</span>", escape_html(e.commit.substr(0, 12)));
  return out;
}

std::string style(bool gate) {
  return std::string(page_asset("style.css")) + (gate ? std::string(page_asset("gate.css")) : "");
}

std::string property_figures(const Summary& summary) {
  std::string out;
  for (const FailureRow& row : summary.properties)
    if (!row.check.plot.curves.empty())
      out += fill(page_asset("property_figure.html"),
                  {{"name", escape_html(row.check.case_text)}, {"found", escape_html(row.reason)}});
  return out.empty() ? out : "<div class=\"pair\">\n" + out + "</div>\n";
}

void add_checks(const Summary& summary, Parts& parts) {
  parts["verdict"] = html_verdict(summary);
  parts["failures"] = html_failures(summary);
  parts["operations"] = html_operations(summary);
  parts["oracles"] = html_oracles(summary);
  parts["coverage"] = html_coverage(summary);
  parts["loose"] = html_loose(summary);
  parts["properties"] = html_properties(summary) + property_figures(summary);
  parts["peers"] = html_peers(summary);
  parts["planted"] = html_planted(summary);
  parts["not_run"] = html_not_run(summary);
}

void add_gate_section(const Summary& summary, Parts& parts) {
  parts["gate"] = parts["gate_link"] = "";
  const GateSummary& gate = summary.gate;
  if (!gate.present) return;
  parts["gate_link"] = "\n<a href=\"#gate\">Gate</a>";
  parts["gate_verdict"] = summary.gate_only ? "" : html_gate_ruling(gate);
  parts["gate_rows"] = html_gate_rows(gate);
  parts["gate_pools"] = html_gate_pools(gate);
  parts["gate_exactness"] = html_gate_exactness(gate);
  parts["gate_noise"] = escape_html(noise_sentence(gate));
  parts["gate_controls"] = html_gate_controls(gate);
  parts["gate_calibration"] = escape_html(gate.calibration);
  parts["gate"] = fill(page_asset("gate.html"), parts);
}

}  // namespace

std::string render_html(const Records& records) {
  const Summary summary = summarize(records);
  Parts parts = {{"state", to_text(summary.state)},
                 {"title", escape_html("gradproof: " + summary.sentence)},
                 {"stamp", stamp(summary)},
                 {"style", style(summary.gate.present)},
                 {"errors", std::string(page_asset("errors.js"))},
                 {"environment", html_environment(summary)},
                 {"records", render_island(summary)},
                 {"scripts", scripts(summary.gate.present)}};
  add_gate_section(summary, parts);
  if (summary.gate_only) {
    parts["verdict"] = html_gate_verdict(summary);
    parts["body"] = fill(page_asset("gate_report.html"), parts);
  } else {
    add_checks(summary, parts);
    parts["body"] = fill(page_asset("report.html"), parts);
  }
  return fill(page_asset("page.html"), parts);
}

}  // namespace gradproof
