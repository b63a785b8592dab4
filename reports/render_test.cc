#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "reports/assets.h"
#include "reports/fixture.h"
#include "reports/island.h"
#include "reports/report.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

using nlohmann::json;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Html, StandsAlone) {
  const std::string html = render_html(fixture_records(true));
  EXPECT_FALSE(std::regex_search(html.substr(0, html.find("<script>")), std::regex("https?://")));
  EXPECT_FALSE(has(html, " src=\"")) << "every script and picture is in the page";
  EXPECT_FALSE(has(html, "@import"));
  EXPECT_FALSE(has(html, "<link rel=\"stylesheet\""));
  EXPECT_TRUE(has(html, "Chart.js v3"));
}

TEST(Html, ReadsWithoutScripts) {
  const std::string html = render_html(fixture_records(true));
  const std::string before_scripts = html.substr(0, html.find("<script type=\"application/json\""));
  EXPECT_TRUE(has(before_scripts, "<strong>Not verified</strong>"));
  EXPECT_TRUE(has(before_scripts, "alexnet conv1 11x11"));
  EXPECT_TRUE(has(before_scripts, "gradproof bench conv:mb=1,ic=3,i=227,oc=96,k=11,s=4 --impl simd --threads 1"));
  EXPECT_TRUE(has(before_scripts, "14 of 1872 elements are wrong, only at ih = 12"));
  EXPECT_TRUE(has(before_scripts, "stride_h and stride_w confused"));
  EXPECT_TRUE(has(before_scripts, "AMD EPYC 9R14"));
  EXPECT_TRUE(has(before_scripts, "onednn is not wired up for this operation"));
}

TEST(Html, FailuresComeBeforeOperations) {
  const std::string html = render_html(fixture_records(true));
  EXPECT_LT(html.find("<section id=\"failures\">"), html.find("<section id=\"operations\">"));
  EXPECT_FALSE(has(render_html(fixture_records(false)), "<section id=\"failures\">"));
}

TEST(Html, StateIsUnmistakable) {
  EXPECT_TRUE(has(render_html(Records{}), "data-state=\"incomplete\""));
  EXPECT_TRUE(has(render_html(Records{}), "<strong>Not verified</strong>"));
  EXPECT_TRUE(has(render_html(fixture_records(false)), "data-state=\"verified\""));
  EXPECT_TRUE(has(render_html(fixture_records(true)), "data-state=\"failed\""));
}

TEST(Html, WithheldTimesAreNotShown) {
  json timing = a_timing();
  timing["ns"] = 123456;
  timing["gflops"] = 98.7;
  timing["verified"] = json::array();
  const std::string html = render_html(parse(timing));
  EXPECT_FALSE(has(html, "123 µs"));
  EXPECT_FALSE(has(html.substr(0, html.find("Chart.js v3")), "98.7"));
  EXPECT_TRUE(has(html, "withheld"));
}

TEST(Html, PeersStandBesideOurs) {
  json ours = a_timing(), theirs = a_timing();
  theirs.update({{"ns", 25}, {"impl", "onednn"}, {"peer", true}});
  const Records records = parse_lines(a_check().dump() + "\n" + ours.dump() + "\n" + theirs.dump() + "\n");
  const std::string html = render_html(records);
  EXPECT_TRUE(has(html, ">Times faster than peer</th>"));
  EXPECT_TRUE(has(html, "<td class=\"n\" data-v=\"2\">2.00× <small>onednn</small></td>"));
  EXPECT_TRUE(has(html, "<td class=\"n\"></td>")) << "blank in the peer's own row";
  EXPECT_TRUE(has(render_markdown(records), "| 2.00 onednn |"));
  EXPECT_TRUE(has(render_csv(records), ",times_faster_than_onednn\n"));
  EXPECT_FALSE(has(render_html(parse(a_timing())), ">Times faster than peer</th>"));
}

TEST(Html, FindingsAboutPeersAreShown) {
  const std::string html = render_html(fixture_records(true));
  EXPECT_TRUE(has(html.substr(html.find("<section id=\"peers\">")), "a NaN in src was lost by the peer"));
  EXPECT_FALSE(has(html.substr(0, html.find("<section id=\"operations\">")), "a NaN in src was lost by the peer"));
}

TEST(Html, AHoleInTheCoverageHasItsReason) {
  const json text = {{"schema", 1},
                     {"kind", "oracle"},
                     {"name", "exact"},
                     {"question", "are the bits <right>?"},
                     {"asked_of", "sums & products"}};
  json asked = a_check(), other = a_check();
  asked["oracle"] = "exact";
  other.update({{"op", "gelu"}, {"case", "gelu:mb=1"}});
  const std::string html = render_html(parse_lines(text.dump() + "\n" + asked.dump() + "\n" + other.dump() + "\n"));
  EXPECT_TRUE(has(html, "<b>exact</b> is asked of sums &amp; products."));
  EXPECT_TRUE(has(html, "<span title=\"asked of sums &amp; products\">–</span>"));
  EXPECT_TRUE(has(html, "Are the bits &lt;right&gt;?"));
  EXPECT_FALSE(has(html, "<b>forward</b> is asked of")) << "everybody was asked";
}

TEST(Html, EveryPropertyHasItsClaimAndVerdict) {
  json property = a_check();
  property.update(
      {{"oracle", "property"}, {"case", "a-property"}, {"claim", "a & b hold"}, {"operations", {"relu", "conv"}}});
  const std::string holds = render_html(parse(property));
  EXPECT_TRUE(has(holds, "a-property<small class=\"what\">relu, conv</small>"));
  EXPECT_TRUE(has(holds, "a &amp; b hold</td><td><span class=\"badge\" data-tone=\"good\">holds</span>"));
  EXPECT_FALSE(has(holds, "data-property=")) << "nothing was drawn";
  property["status"] = "fail";
  EXPECT_TRUE(has(render_html(parse(property)), "data-tone=\"bad\">does not hold</span>"));
  property["curves"] = {{{"name", "loss"}, {"x", {1}}, {"y", {0.5}}}};
  EXPECT_TRUE(has(render_html(parse(property)), "<figure data-chart=\"curves\" data-property=\"a-property\">"));
}

TEST(Island, StaysSmallForThousandsOfChecks) {
  const Records records = fixture_records(true, 12);
  ASSERT_GT(records.checks.size(), 5000u);
  EXPECT_LT(render_island(summarize(records)).size(), 200'000u);
  EXPECT_LT(render_html(records).size(), 1'500'000u);
}

TEST(Island, StaysSmallWhenEverythingFails) {
  Records records = fixture_records(true, 12);
  for (Check& check : records.checks) {
    check.status = Status::kFail;
    check.reason = std::string(300, 'x');
  }
  EXPECT_LT(render_island(summarize(records)).size(), 1'500'000u);
  EXPECT_LT(render_html(records).size(), 3'000'000u);
}

TEST(Markdown, StartsWithTheVerdictAndTheTenWorstRows) {
  const std::string markdown = render_markdown(fixture_records(true));
  EXPECT_TRUE(markdown.starts_with("# gradproof\n\n**Not verified: "));
  EXPECT_LT(markdown.find("## Ten worst rows"), markdown.find("## Failures"));
  EXPECT_LT(markdown.find("## Failures"), markdown.find("## Operations"));
  const std::string worst = markdown.substr(markdown.find("## Ten worst rows"),
                                            markdown.find("## Failures") - markdown.find("## Ten worst rows"));
  EXPECT_EQ(std::count(worst.begin(), worst.end(), '\n'), 15) << "title, blank, two lines of head, ten rows, blank";
}

TEST(Markdown, NeverOutgrowsAComment) {
  Records records = fixture_records(true, 12);
  for (std::size_t i = 0; i < records.checks.size(); ++i) {
    Check& check = records.checks[i];
    check.status = i % 3 == 0 ? Status::kSkip : Status::kFail;
    check.reason = std::string(500, '|') + std::to_string(i);
    check.op = "op" + std::to_string(i % 500);
    check.shrunk = std::string(900, '`');
    check.repro = std::string(900, '|');
  }
  const std::string markdown = render_markdown(records);
  EXPECT_LT(markdown.size(), 60'000u);
  EXPECT_TRUE(has(markdown, "more left out here"));
}

TEST(Markdown, NothingCheckedIsNotVerified) {
  EXPECT_TRUE(has(render_markdown(Records{}), "**Not verified: nothing was checked"));
}

TEST(Csv, HasOneLineARecordUnderOneHeader) {
  const Records records = fixture_records(false);
  const std::string csv = render_csv(records);
  const auto lines = static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n'));
  EXPECT_EQ(lines, 1 + records.checks.size() + records.timings.size() + records.roofs.size());
  EXPECT_TRUE(csv.starts_with("kind,op,family,case,pass,oracle,impl,isa,"));
}

TEST(Csv, NumbersReadBackExactly) {
  json check = a_check();
  check["worst"] = 0.1 + 0.2;
  EXPECT_TRUE(has(render_csv(parse(check)), ",0.30000000000000004,"));
}

TEST(Junit, CountsAddUp) {
  const Records records = fixture_records(true);
  const std::string xml = render_junit(records);
  EXPECT_TRUE(has(xml, "<testsuites name=\"gradproof\" tests=\"" + std::to_string(records.checks.size()) +
                           "\" failures=\"2\" errors=\"0\""));
  EXPECT_TRUE(has(xml, "<failure message=\"14 of 1872 elements are wrong, only at ih = 12\">"));
  EXPECT_TRUE(has(xml, "<skipped message=\"onednn does not support"));
  EXPECT_TRUE(has(xml, "<skipped message=\"finding about a peer: a NaN in src was lost by the peer"));
}

TEST(Junit, EmptyRunIsAnError) {
  EXPECT_TRUE(has(render_junit(Records{}), "<error message=\"nothing was checked\"/>"));
  EXPECT_TRUE(has(render_junit(Records{}), "errors=\"1\""));
}

TEST(Assets, UnknownNamesAreRefused) { EXPECT_THROW(page_asset("none.js"), std::logic_error); }

}  // namespace
}  // namespace gradproof
