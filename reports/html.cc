#include "reports/html.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <stdexcept>

#include "reports/assets.h"
#include "reports/format.h"
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

std::string scripts() {
  std::string out;
  for (const char* name :
       {"chart.min.js", "theme.js", "ranges.js", "roofline.js", "scaling.js", "tables.js", "main.js"}) {
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

}  // namespace

std::string render_html(const Records& records) {
  const Summary summary = summarize(records);
  const Parts parts = {{"state", to_text(summary.state)},
                       {"title", escape_html("gradproof: " + summary.sentence)},
                       {"stamp", stamp(summary)},
                       {"style", std::string(page_asset("style.css"))},
                       {"errors", std::string(page_asset("errors.js"))},
                       {"verdict", html_verdict(summary)},
                       {"failures", html_failures(summary)},
                       {"operations", html_operations(summary)},
                       {"oracles", html_oracles(summary)},
                       {"coverage", html_coverage(summary)},
                       {"loose", html_loose(summary)},
                       {"peers", html_peers(summary)},
                       {"planted", html_planted(summary)},
                       {"environment", html_environment(summary)},
                       {"not_run", html_not_run(summary)},
                       {"records", render_island(summary)},
                       {"scripts", scripts()}};
  return fill(page_asset("page.html"), parts);
}

}  // namespace gradproof
