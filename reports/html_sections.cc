#include "reports/html_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "reports/format.h"
#include "reports/judge.h"

namespace gradproof {
namespace {

constexpr std::size_t kMostFailureCards = 100;

std::string count_text(std::size_t count) { return show_count(static_cast<double>(count)); }

std::string planted_tile(const Counts& planted) {
  if (planted.all() == 0) return figure_tile("Planted bugs caught", "<small>none planted</small>");
  return figure_tile("Planted bugs caught", fmt::format("{} <small>of {}</small>", planted.passed, planted.all()),
                     planted.failed > 0 ? "bad" : "");
}

// One failure as a card: what to know first, then the line to paste.
std::string failure_card(const FailureRow& row) {
  const Check& c = row.check;
  std::string facts;
  const auto fact = [&facts](const char* name, const std::string& value, const char* classes = "") {
    if (!value.empty()) facts += fmt::format("<div{}><dt>{}</dt><dd>{}</dd></div>", classes, name, escape_html(value));
  };
  fact("Where", c.where);
  fact("Expected", c.expected);
  fact("Got", c.got);
  fact("Error / bound", c.worst ? show_ratio(c.worst) : "");
  fact("Smaller case", c.shrunk, " class=\"whole\"");
  const std::string who = c.isa.empty() ? c.impl : c.impl + " on " + c.isa;
  return fmt::format(
      "<article class=\"failure\"><h3>{} <span>{}</span> <span>{}</span> <span>{}</span></h3>\n<p "
      "class=\"case\"><code>{}</code></p>\n"
      "{}<dl>{}</dl>\n<pre class=\"repeat\"><code>{}</code></pre></article>\n",
      escape_html(c.op), escape_html(c.pass), escape_html("oracle " + c.oracle), escape_html(who),
      escape_html(c.case_text), row.reason.empty() ? "" : fmt::format("<p>{}</p>\n", escape_html(row.reason)), facts,
      escape_html(row.command));
}

std::string coverage_cell(const OracleCell* cell, const OracleRow& oracle) {
  if (cell != nullptr && cell->counts.failed > 0)
    return fmt::format("<td class=\"n bad\"><b>✕ {}</b> <small>of {}</small></td>", cell->counts.failed,
                       cell->counts.passed + cell->counts.failed);
  std::string shown;
  if (cell != nullptr) {
    const std::size_t passed = cell->counts.passed + cell->properties;
    if (passed > 0) shown = count_text(passed);
    if (passed == 0 && cell->counts.skipped > 0) shown = fmt::format("<small>{} skipped</small>", cell->counts.skipped);
    if (cell->timed > 0)
      shown += fmt::format("{}<small>{} timed</small>", shown.empty() ? "" : " ", count_text(cell->timed));
  }
  if (!shown.empty()) return fmt::format("<td class=\"n\">{}</td>", shown);
  const std::string why = oracle.asked_of.empty() ? "not asked" : "asked of " + oracle.asked_of;
  return fmt::format("<td class=\"n quiet\"><span title=\"{}\">–</span></td>", escape_html(why));
}

const OracleCell* find_cell(const OperationRow& row, const std::string& oracle) {
  for (const OracleCell& cell : row.oracles) {
    if (cell.oracle == oracle) return &cell;
  }
  return nullptr;
}

// Of every oracle that some operation was not asked by, whom it asks.
std::string coverage_reasons(const Summary& s) {
  std::string list;
  for (const OracleRow& oracle : s.oracles) {
    const auto is_asked = [&](const OperationRow& row) { return find_cell(row, oracle.oracle) != nullptr; };
    if (oracle.asked_of.empty() || std::all_of(s.operations.begin(), s.operations.end(), is_asked)) continue;
    list +=
        fmt::format("<li><b>{}</b> is asked of {}.</li>\n", escape_html(oracle.oracle), escape_html(oracle.asked_of));
  }
  return list.empty() ? "" : "<ul class=\"reasons\">\n" + list + "</ul>\n";
}

// A line that begins as a sentence does.
std::string sentence(std::string line) {
  if (!line.empty() && line[0] >= 'a' && line[0] <= 'z') line[0] = static_cast<char>(line[0] - 'a' + 'A');
  return escape_html(line);
}

}  // namespace

std::string number_cell(const std::string& shown, const std::optional<double>& sort_by, const char* classes) {
  if (!sort_by) return fmt::format("<td class=\"{}\">{}</td>", classes, shown);
  return fmt::format("<td class=\"{}\" data-v=\"{:.6g}\">{}</td>", classes, *sort_by, shown);
}

std::string count_cell(std::size_t count, const char* classes) {
  return number_cell(count_text(count), static_cast<double>(count), classes);
}

std::string text_cell(const std::string& text) {
  return fmt::format("<td>{}</td>", text.empty() ? "–" : escape_html(text));
}

std::string code_cell(const std::string& text) {
  return text.empty() ? "<td>–</td>" : fmt::format("<td><code>{}</code></td>", escape_html(text));
}

std::string badge(const char* tone, const std::string& word) {
  return fmt::format("<span class=\"badge\" data-tone=\"{}\">{}</span>", tone, word);
}

std::string framed_table(const std::string& caption, const std::string& head, const std::string& body) {
  return fmt::format(
      "<div class=\"frame\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\">\n<table "
      "class=\"sortable\"><caption>{0}</caption>"
      "<thead><tr>{1}</tr></thead>\n<tbody>{2}</tbody></table></div>\n",
      caption, head, body);
}

std::string figure_tile(const char* name, const std::string& value, const char* tone) {
  return fmt::format("<div{}><dt>{}</dt><dd>{}</dd></div>\n", *tone == 0 ? "" : fmt::format(" data-tone=\"{}\"", tone),
                     name, value);
}

std::string verdict_heading(const Summary& s) {
  return fmt::format("<h1><strong>{}</strong>{}</h1>\n", escape_html(s.headline),
                     escape_html(s.sentence.substr(s.headline.size())));
}

std::string fault_list(const Summary& s) {
  std::string out;
  for (const std::string& fault : s.faults)
    out += fmt::format("<p class=\"fault\"><b>Fault of the harness:</b> {}.</p>\n", escape_html(fault));
  return out;
}

std::string html_verdict(const Summary& s) {
  std::string out = verdict_heading(s) + "<dl class=\"figures\">\n";
  out += figure_tile("Checks passed", count_text(s.checks.passed));
  out += figure_tile("Failed", count_text(s.checks.failed), s.checks.failed > 0 ? "bad" : "");
  out += figure_tile("Skipped", count_text(s.checks.skipped));
  out += planted_tile(s.planted);
  const std::size_t withheld = s.refused + s.skipped_timings;
  out += figure_tile(
      "Timings", count_text(s.measured) + (withheld == 0 ? "" : fmt::format(" <small>{} withheld</small>", withheld)));
  out += figure_tile("Noise floor", s.noise ? show_percent(s.noise) : "<small>not measured</small>");
  return out + "</dl>\n" + fault_list(s);
}

std::string html_failures(const Summary& s) {
  if (s.failures.empty()) return "";
  std::string out =
      fmt::format("<section id=\"failures\"><h2>Failures <small>{}</small></h2>\n", count_text(s.failures.size()));
  for (std::size_t i = 0; i < std::min(kMostFailureCards, s.failures.size()); ++i) out += failure_card(s.failures[i]);
  if (s.failures.size() > kMostFailureCards) {
    out += fmt::format("<p class=\"none\">{} more; the CSV has them all.</p>\n", s.failures.size() - kMostFailureCards);
  }
  return out + "</section>\n";
}

std::string html_oracles(const Summary& s) {
  if (s.oracles.empty()) return "<p class=\"none\">No oracle was asked.</p>";
  std::string body;
  for (const OracleRow& row : s.oracles) {
    body += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"prose\">{}</td>", escape_html(row.oracle),
                        row.question.empty() ? "–" : sentence(row.question));
    body += count_cell(row.operations) + count_cell(row.counts.passed) +
            count_cell(row.counts.failed, row.counts.failed > 0 ? "n bad" : "n");
    body += count_cell(row.counts.skipped) + number_cell(show_ratio(row.worst), row.worst) +
            number_cell(show_digits(row.digits), row.digits);
    body += "</tr>\n";
  }
  return framed_table(
      "What each oracle asks, and what it found",
      "<th scope=\"col\">Oracle</th><th scope=\"col\">Asks</th><th scope=\"col\" class=\"n\">Operations</th>"
      "<th scope=\"col\" class=\"n\">Passed</th><th scope=\"col\" class=\"n\">Failed</th><th scope=\"col\" "
      "class=\"n\">Skipped</th>"
      "<th scope=\"col\" class=\"n\">Worst error / bound</th><th scope=\"col\" class=\"n\">Fewest digits</th>",
      body);
}

std::string html_coverage(const Summary& s) {
  if (s.oracles.empty()) return "";
  std::string head = "<th scope=\"col\">Operation</th>", body;
  for (const OracleRow& oracle : s.oracles)
    head += fmt::format("<th scope=\"col\" class=\"n\">{}</th>", escape_html(oracle.oracle));
  for (const OperationRow& row : s.operations) {
    body += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(row.op));
    for (const OracleRow& oracle : s.oracles) {
      body += coverage_cell(find_cell(row, oracle.oracle), oracle);
    }
    body += "</tr>\n";
  }
  return framed_table("Checks passed, by operation and oracle; a dash: not asked, for the reason below", head, body) +
         coverage_reasons(s);
}

std::string html_loose(const Summary& s) {
  if (s.loose.empty()) return "";
  std::string body;
  for (const LooseBound& row : s.loose) {
    body += "<tr>" + text_cell(row.op) + text_cell(row.pass) + text_cell(row.oracle) + count_cell(row.checks);
    body += number_cell(show_ratio(row.worst), row.worst) + "</tr>\n";
  }
  const std::string table =
      framed_table("Bounds under a thousandth of which every error stays",
                   "<th scope=\"col\">Operation</th><th scope=\"col\">Pass</th><th scope=\"col\">Oracle</th>"
                   "<th scope=\"col\" class=\"n\">Checks</th><th scope=\"col\" class=\"n\">Largest error / bound</th>",
                   body);
  constexpr std::size_t kMostOpen = 12;
  return fmt::format(
      "<h3>Bounds that are too loose</h3>\n<p class=\"lead\">No check comes within a thousandth of these bounds, so "
      "they "
      "would miss small mistakes.</p>\n<details{}><summary>{}</summary>\n{}</details>\n",
      s.loose.size() <= kMostOpen ? " open" : "", plural(s.loose.size(), "bound"), table);
}

std::string html_planted(const Summary& s) {
  if (s.planted_bugs.empty())
    return "<p class=\"none\">No bug was planted, so nothing shows that the harness would catch one.</p>";
  std::string body;
  for (const FailureRow& row : s.planted_bugs) {
    const Check& c = row.check;
    const bool caught = c.status == Status::kPass;
    const std::string verdict = caught                      ? badge("good", "caught")
                                : c.status == Status::kSkip ? badge("quiet", "not run")
                                                            : badge("bad", "missed");
    const std::string why =
        row.reason.empty() ? "" : fmt::format("<small class=\"what\">{}</small>", escape_html(row.reason));
    body += fmt::format("<tr><th scope=\"row\">{}{}</th>{}<td>{}</td>",
                        escape_html(c.mutant.empty() ? "unnamed" : c.mutant), why, text_cell(c.op), verdict);
    body += text_cell(c.caught_by) + code_cell(c.shrunk.empty() ? c.case_text : c.shrunk) + "</tr>\n";
  }
  return framed_table("Wrong kernels, put in on purpose: every one must be caught",
                      "<th scope=\"col\">Planted bug</th><th scope=\"col\">Operation</th><th scope=\"col\">Verdict</th>"
                      "<th scope=\"col\">Caught by</th><th scope=\"col\">Smallest case</th>",
                      body);
}

std::string html_not_run(const Summary& s) {
  if (s.not_run.empty()) return "<p class=\"none\">Nothing was skipped or refused.</p>";
  std::string body;
  for (const ReasonRow& row : s.not_run) {
    body += "<tr>" + count_cell(row.count) + text_cell(row.what) + text_cell(row.op);
    body += fmt::format("<td class=\"prose\">{}</td>", escape_html(row.reason)) + code_cell(row.example) + "</tr>\n";
  }
  return framed_table(
      "Skips and refusals by reason: none of them counts as passed",
      "<th scope=\"col\" class=\"n\">Count</th><th scope=\"col\">What</th><th scope=\"col\">Operation</th>"
      "<th scope=\"col\">Reason</th><th scope=\"col\">For instance</th>",
      body);
}

}  // namespace gradproof
