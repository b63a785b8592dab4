#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reports/format.h"
#include "reports/html_sections.h"
#include "reports/judge.h"

namespace gradproof {
namespace {

std::string property_badge(const Check& check) {
  const Status status = judge(check).status;
  if (status == Status::kSkip) return badge("quiet", "not run");
  return status == Status::kPass ? badge("good", "holds") : badge("bad", "does not hold");
}

std::string property_row(const FailureRow& row) {
  const Check& c = row.check;
  const std::string found =
      row.reason.empty() ? "" : fmt::format("<small class=\"what\">{}</small>", escape_html(row.reason));
  std::string out =
      fmt::format("<tr><th scope=\"row\">{}<small class=\"what\">{}</small></th>", escape_html(c.case_text),
                  escape_html(fmt::format("{}", fmt::join(c.operations, ", "))));
  out += fmt::format("<td class=\"prose\">{}{}</td><td>{}</td>", escape_html(c.claim), found, property_badge(c));
  out += count_cell(static_cast<std::size_t>(c.compared.value_or(0)));
  return out + number_cell(show_ratio(c.worst), c.worst) + "</tr>\n";
}

}  // namespace

std::string html_properties(const Summary& s) {
  if (s.properties.empty()) return "<p class=\"none\">No property was asked for.</p>";
  std::string body;
  for (const FailureRow& row : s.properties) body += property_row(row);
  return framed_table(
      "Relations, each shown by computing both of its sides with the kernels, and networks trained by them",
      "<th scope=\"col\">Property</th><th scope=\"col\">Claim</th><th scope=\"col\">Verdict</th>"
      "<th scope=\"col\" class=\"n\">Compared</th><th scope=\"col\" class=\"n\">Error / bound</th>",
      body);
}

}  // namespace gradproof
