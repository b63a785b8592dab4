#include <fmt/format.h>

#include <vector>

#include "reports/format.h"
#include "reports/html_sections.h"

namespace gradproof {
namespace {

std::string caches_text(const Environment& e) {
  std::string out;
  for (const auto& [name, bytes] : e.caches)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, show_bytes(bytes));
  return out;
}

std::string libraries_text(const Environment& e) {
  std::string out;
  for (const auto& [name, version] : e.libraries) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, version);
  return out;
}

std::string count_text(const std::optional<double>& count) { return count ? show_count(*count) : ""; }

std::string environment_list(const Environment& e) {
  const std::vector<std::pair<const char*, std::string>> facts = {
      {"Processor", e.processor},
      {"Instruction sets", fmt::format("{}", fmt::join(e.isas, ", "))},
      {"Best of them", e.isa},
      {"Caches", caches_text(e)},
      {"Cores", count_text(e.cores)},
      {"Threads", count_text(e.threads)},
      {"Hypervisor", e.hypervisor},
      {"Compiler", e.compiler},
      {"Flags", e.flags},
      {"Libraries", libraries_text(e)},
      {"Scalar of the truth", e.real},
      {"Commit", e.commit},
      {"Time", e.time}};
  std::string out = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : facts) {
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name,
                       value.empty() ? "<span class=\"quiet\">not known</span>" : escape_html(value));
  }
  return out + "</dl>\n";
}

}  // namespace

std::string html_environment(const Summary& summary) {
  if (summary.environments.empty()) return "<p class=\"none\">No environment was recorded.</p>";
  std::string out;
  std::vector<Environment> shown;
  for (const Environment& e : summary.environments) {
    // Runs on one machine differ in their time only; one list stands for them.
    bool known = false;
    for (Environment other : shown) {
      other.time = e.time;
      known = known || other == e;
    }
    if (known) continue;
    shown.push_back(e);
    out += environment_list(e);
  }
  return out;
}

}  // namespace gradproof
