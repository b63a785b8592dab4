#include <fmt/format.h>

#include "reports/format.h"
#include "reports/html_sections.h"

namespace gradproof {
namespace {

std::string times_cell(double ratio) { return number_cell(show_rate(ratio) + "×", ratio); }

std::string means(const Summary& s) {
  if (s.against_peers.empty()) return "<p class=\"none\">No peer was timed beside ours.</p>";
  std::string body;
  for (const AgainstPeer& row : s.against_peers) {
    body += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(row.op));
    body += text_cell(row.pass) + number_cell(std::to_string(row.threads), row.threads) + text_cell(row.impl) +
            text_cell(row.peer);
    body += count_cell(row.rows) + times_cell(row.mean) + times_cell(row.least) + times_cell(row.most) + "</tr>\n";
  }
  return framed_table(
      "Times faster than each peer on the same cases: the peer's time over ours, below 1 where the peer is faster",
      "<th scope=\"col\">Operation</th><th scope=\"col\">Pass</th><th scope=\"col\" class=\"n\">Threads</th>"
      "<th scope=\"col\">Implementation</th><th scope=\"col\">Peer</th><th scope=\"col\" class=\"n\">Rows</th>"
      "<th scope=\"col\" class=\"n\">Geometric mean</th><th scope=\"col\" class=\"n\">Least</th>"
      "<th scope=\"col\" class=\"n\">Most</th>",
      body);
}

std::string findings(const Summary& s) {
  if (s.peer_checks.all() == 0) return "<p class=\"none\">No peer was checked.</p>";
  if (s.peer_findings.empty())
    return fmt::format("<p class=\"none\">{} of peers passed, none failed, {} skipped.</p>",
                       plural(s.peer_checks.passed, "check"), s.peer_checks.skipped);
  std::string body;
  for (const PeerFinding& row : s.peer_findings) {
    const Check& c = row.example.check;
    std::string what = escape_html(row.example.reason);
    if (!c.where.empty()) what += fmt::format(" {}", escape_html(c.where));
    if (!c.got.empty()) what += fmt::format(": expected {}, got {}", escape_html(c.expected), escape_html(c.got));
    body += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(c.op));
    body += text_cell(c.impl) + text_cell(c.oracle) + count_cell(row.count) + text_cell(c.pass);
    body += fmt::format("<td class=\"prose\">{}</td>", what) + code_cell(row.example.command) + "</tr>\n";
  }
  return fmt::format(
             "<p class=\"lead\">{} of peers passed, {} failed, {} skipped. What a peer fails is a finding "
             "about the peer and no part of the verdict: it may follow another convention.</p>\n",
             plural(s.peer_checks.passed, "check"), s.peer_checks.failed, s.peer_checks.skipped) +
         framed_table("Findings about peers, with one instance each",
                      "<th scope=\"col\">Operation</th><th scope=\"col\">Peer</th><th scope=\"col\">Oracle</th>"
                      "<th scope=\"col\" class=\"n\">Checks</th><th scope=\"col\">Pass</th><th scope=\"col\">For "
                      "instance</th><th scope=\"col\">Repeat</th>",
                      body);
}

}  // namespace

std::string html_peers(const Summary& summary) { return means(summary) + "<h3>Findings</h3>\n" + findings(summary); }

}  // namespace gradproof
