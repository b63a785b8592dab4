#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "reports/fixture.h"
#include "reports/report.h"

namespace gradproof {
namespace {

using nlohmann::json;

constexpr const char* kNasty =
    "</script><script>alert(1)</script> & \"double\" 'single' a|b, {{records}} `tick` ]]> <!--\nline two";

Records nasty_records() {
  json check = a_check();
  check["status"] = "fail";
  for (const char* key :
       {"op", "family", "case", "oracle", "impl", "isa", "reason", "where", "expected", "got", "repro", "shrunk"})
    check[key] = kNasty;
  json skip = check;
  skip["status"] = "skip";
  json bug = check;
  bug.update({{"oracle", "self"}, {"mutant", kNasty}, {"caught_by", kNasty}, {"status", "pass"}});
  json timing = a_timing();
  for (const char* key : {"op", "family", "case", "impl", "isa", "layer", "roof_kind"}) timing[key] = kNasty;
  const json environment = {
      {"schema", 1}, {"kind", "environment"}, {"processor", kNasty}, {"flags", kNasty}, {"commit", kNasty}};
  std::string lines;
  for (const json& record : {environment, check, skip, bug, timing}) lines += record.dump() + "\n";
  return parse_lines(lines);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Escaping, HtmlHoldsNoMarkupFromRecords) {
  const std::string nasty = render_html(nasty_records()), plain = render_html(parse(a_check()));
  EXPECT_EQ(nasty.find("alert(1)</script>"), std::string::npos);
  EXPECT_EQ(nasty.find("\"double\""), std::string::npos);
  EXPECT_EQ(count(nasty, "<script"), count(plain, "<script"));
  EXPECT_EQ(count(nasty, "</script"), count(plain, "</script"));
  EXPECT_NE(nasty.find("{{records}}"), std::string::npos) << "what looks like a part of the page stays data";
}

TEST(Escaping, IslandReadsBackAsItWas) {
  const std::string html = render_html(nasty_records());
  const std::string open = "<script type=\"application/json\" id=\"records\">";
  const auto from = html.find(open) + open.size();
  const json island = json::parse(html.substr(from, html.find("</script>", from) - from));
  EXPECT_EQ(island.at("failures").at(0).at("reason"), kNasty);
  EXPECT_EQ(island.at("timings").at(0).at("layer"), kNasty);
}

TEST(Escaping, MarkdownTablesKeepTheirShape) {
  const std::string markdown = render_markdown(nasty_records());
  const std::string prose = std::regex_replace(markdown, std::regex(R"((`+)[^\n]*?\1(?!`))"), "");
  EXPECT_EQ(prose.find("<script"), std::string::npos) << "only a code span may hold it, where it is text";
  const auto unescaped_pipes = [](const std::string& line) {
    std::size_t pipes = 0;
    for (std::size_t i = 0; i < line.size(); ++i) pipes += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    return pipes;
  };
  std::size_t columns = 0;
  std::istringstream lines(markdown);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('|')) {
      columns = 0;
      continue;
    }
    if (columns == 0) columns = unescaped_pipes(line);
    EXPECT_EQ(unescaped_pipes(line), columns) << line;
    EXPECT_TRUE(line.ends_with('|')) << line;
  }
}

TEST(Escaping, CsvQuotesAndReadsBack) {
  json check = a_check();
  check["case"] = "a,\"b\"\nc";
  const std::string csv = render_csv(parse(check));
  EXPECT_NE(csv.find(",\"a,\"\"b\"\"\nc\","), std::string::npos) << csv;
}

TEST(Escaping, JunitIsWellFormedText) {
  const std::string xml = render_junit(nasty_records());
  EXPECT_EQ(xml.find("<script"), std::string::npos);
  EXPECT_NE(xml.find("&lt;/script&gt;"), std::string::npos);
  EXPECT_EQ(count(xml, "<testcase"), count(xml, "</testcase>") + count(xml, "time=\"0.000000\"/>"));
}

}  // namespace
}  // namespace gradproof
