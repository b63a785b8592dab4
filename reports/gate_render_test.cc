#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "reports/fixture.h"
#include "reports/gate_summary.h"
#include "reports/report.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

using nlohmann::json;

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t times_in(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

Records failing_gate() { return parse_lines(gate_lines()); }

GateSummary gate_of(const std::string& lines) { return summarize(parse_lines(lines)).gate; }

// A row that fails, so that it is the first of any list.
json failing_row(const std::string& op) {
  json row = a_gate_row();
  row.update({{"op", op}, {"verdict", "FAIL"}, {"change", 0.5}, {"confirmed", {0.5, 0.5}}});
  return row;
}

TEST(GateSummary, TheGravestComeFirst) {
  const GateSummary gate = summarize(failing_gate()).gate;
  std::vector<std::string> verdicts;
  for (const TimeChange& row : gate.rows) verdicts.emplace_back(to_text(row.ruling));
  EXPECT_EQ(verdicts, (std::vector<std::string>{"FAIL", "LESS_EXACT", "TRADE", "INCONCLUSIVE", "LAYOUT",
                                                "NOT_COMPARABLE", "IMPROVED", "PASS", "PASS"}));
  EXPECT_GT(gate.rows[7].change, gate.rows[8].change) << "of equal verdicts the slower row";
  EXPECT_EQ(gate.exactness.front().turn, ExactnessTurn::kWorse);
  EXPECT_EQ(gate.state(), State::kFailed);
}

TEST(GateSummary, ASentenceSaysItAll) {
  EXPECT_EQ(summarize(failing_gate()).sentence,
            "Slower (FAIL): 9 rows: 1 slower, 1 less exact, 1 to be decided, 1 undecided, 1 moved by layout, 1 not "
            "comparable, 1 faster, 2 not slower; 1 of 1 pool slower or less exact; exactness: 1 worse, 1 gone, 1 new, "
            "1 better; noise of a launch 1.1\u00a0%; finds slowdowns from 3.1\u00a0% on; bde6baf2aa7d against "
            "4623dcc734b6; machine not recorded.");
}

TEST(GateSummary, GoodVerdictsMustBeBorneOut) {
  EXPECT_EQ(gate_of(quiet_gate_lines()).state(), State::kVerified);
  EXPECT_EQ(gate_of(failing_row("relu").dump() + "\n" + quiet_gate_lines()).ruling, Ruling::kFail);
  EXPECT_EQ(gate_of(a_gate().dump() + "\n").ruling, Ruling::kInvalid) << "nothing was measured";
  EXPECT_EQ(gate_of(a_gate_row().dump() + "\n").ruling, Ruling::kInvalid) << "cut off";
  EXPECT_TRUE(says(gate_of(a_gate_row().dump() + "\n").sentence, "the run ended before its verdict"));
}

TEST(GateSummary, LostExactnessIsNoPass) {
  EXPECT_EQ(gate_of(an_exactness().dump() + "\n" + quiet_gate_lines()).ruling, Ruling::kLessExact);
  json better = an_exactness();
  better["change"] = "better";
  EXPECT_EQ(gate_of(better.dump() + "\n" + quiet_gate_lines()).ruling, Ruling::kPass);
}

TEST(GateSummary, LongReasonsAreCut) {
  json gate = a_gate();
  gate["verdict"] = "LESS_EXACT";
  gate["reason"] = "less exact than the reviewed file:";
  for (int i = 0; i < 300; ++i) gate["reason"] = gate["reason"].get<std::string>() + " conv vjp:src,";
  EXPECT_LT(gate_of(a_gate_row().dump() + "\n" + gate.dump() + "\n").sentence.size(), 600u);
}

TEST(GateSummary, AVoidRunStaysVoid) {
  const GateSummary gate = gate_of(failing_row("relu").dump() + "\n" + quiet_gate_lines("INVALID"));
  EXPECT_EQ(gate.ruling, Ruling::kInvalid);
  EXPECT_EQ(gate.state(), State::kIncomplete);
  EXPECT_TRUE(gate.sentence.starts_with("Nothing was learned (INVALID): the control canary:fma moved by +3.1%"));
}

TEST(GateSummary, CalibrationIsASentence) {
  EXPECT_TRUE(gate_of(quiet_gate_lines()).calibration.starts_with("Not calibrated on this machine"));
  EXPECT_EQ(gate_of(gate_lines()).calibration,
            "Calibrated on this machine: 0 false alarms in 200 runs of 300 rows (at most 1.83%); +5% found in 39 of "
            "40.");
  EXPECT_EQ(gate_of(a_calibration().dump() + "\n" + quiet_gate_lines()).calibration,
            "Calibrated on this machine: 1 false alarm in 200 runs of 300 rows; +5.0% found in 39 of 40.");
}

TEST(GateSummary, TheGraverVerdictLeadsWhereChecksWereMadeToo) {
  const Summary slower = summarize(parse_lines(fixture_lines(false) + gate_lines()));
  EXPECT_EQ(slower.state, State::kFailed);
  EXPECT_TRUE(slower.sentence.starts_with("Slower (FAIL). Verified: "));
  const Summary wrong = summarize(parse_lines(fixture_lines(true) + quiet_gate_lines()));
  EXPECT_TRUE(wrong.sentence.starts_with("Not verified: "));
  EXPECT_TRUE(says(wrong.sentence, " Nothing is slower (PASS)."));
  EXPECT_FALSE(wrong.gate_only);
}

TEST(GateMarkdown, StartsWithTheVerdictAndTheTenWorstRows) {
  const std::string markdown = render_gate_markdown(failing_gate());
  EXPECT_TRUE(markdown.starts_with("# gradproof gate\n\n**Slower (FAIL): 9 rows: "));
  std::size_t last = 0;
  for (const char* part :
       {"## Ten worst rows of the gate", "| **FAIL** | max\\_pool | forward | +5.5% | +4.9% to +6.1% | +2.0% |",
        "## Pools", "| **FAIL** | conv | forward | 4 | +1.7% |", "## Exactness against the reviewed file",
        "| **worse** | linear | forward | AVX2 | 0.21 → 0.84 | 1.50 → 6.00 |", "## Controls", "`canary:fma`",
        "Noise of a launch: ", "Calibrated on this machine: 0 false alarms"}) {
    const auto at = markdown.find(part);
    ASSERT_NE(at, std::string::npos) << part << "\n" << markdown;
    EXPECT_GT(at, last) << part;
    last = at;
  }
  EXPECT_TRUE(says(markdown, "the baseline does not know &lt;softmax"));
}

TEST(GateMarkdown, ShowsTenRowsAndThenWhatMoved) {
  std::string lines;
  for (int i = 0; i < 14; ++i) lines += failing_row("op" + std::to_string(i)).dump() + "\n";
  for (int i = 0; i < 5; ++i) lines += a_gate_row().dump() + "\n";
  const std::string markdown = render_gate_markdown(parse_lines(lines + quiet_gate_lines("FAIL")));
  const auto first = markdown.find("## Ten worst rows of the gate"), rest = markdown.find("## More rows");
  ASSERT_NE(rest, std::string::npos);
  EXPECT_EQ(times_in(markdown.substr(first, rest - first), "| **FAIL** |"), 10u);
  EXPECT_EQ(times_in(markdown.substr(rest), "| **FAIL** |"), 4u);
}

TEST(GateMarkdown, NeverOutgrowsAComment) {
  std::string lines = gate_lines();
  for (int i = 0; i < 500; ++i) {
    json row = failing_row("op" + std::to_string(i)), exactness = an_exactness(), control = a_gate_row();
    row["reason"] = std::string(900, '|');
    row["case"] = exactness["case"] = control["case"] = std::string(900, '`');
    control["role"] = "control";
    lines += row.dump() + "\n" + exactness.dump() + "\n" + control.dump() + "\n";
  }
  for (const std::string& markdown : {render_gate_markdown(parse_lines(lines)), render_markdown(parse_lines(lines)),
                                      render_markdown(parse_lines(fixture_lines(true, 12) + lines))}) {
    EXPECT_LT(markdown.size(), 60'000u);
    EXPECT_TRUE(says(markdown, "more left out here"));
  }
  EXPECT_TRUE(says(render_gate_markdown(parse_lines(lines)), "Calibrated on this machine: "));
}

TEST(GateMarkdown, NoGateIsNoSuccess) {
  EXPECT_TRUE(says(render_gate_markdown(fixture_records(false)), "**Nothing was learned"));
}

TEST(Markdown, ShowsTheGateOnlyWhereThereIsOne) {
  EXPECT_FALSE(says(render_markdown(fixture_records(true)), "gate"));
  const std::string both = render_markdown(parse_lines(fixture_lines(false) + gate_lines()));
  EXPECT_TRUE(says(both, "## Ten worst rows of the gate"));
  EXPECT_TRUE(says(both, "**Slower (FAIL): 9 rows: "));
  EXPECT_TRUE(says(both, "## Operations"));
  const std::string alone = render_markdown(failing_gate());
  EXPECT_TRUE(alone.starts_with("# gradproof\n\n**Slower (FAIL): "));
  EXPECT_FALSE(says(alone, "nothing was checked"));
}

TEST(GateJunit, RowsAreTestCases) {
  const std::string xml = render_gate_junit(failing_gate());
  EXPECT_TRUE(says(xml, "<testsuites name=\"gradproof gate\" tests=\"12\" failures=\"6\" errors=\"0\" skipped=\"3\">"))
      << xml;
  EXPECT_TRUE(says(xml, "<testsuite name=\"max_pool\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">"));
  EXPECT_TRUE(says(xml, "<failure message=\"FAIL, +5.5% where +2.0% is allowed\">"));
  EXPECT_TRUE(says(xml, "<failure message=\"TRADE: faster but less exact, "));
  EXPECT_TRUE(says(xml, "<failure message=\"LESS_EXACT: less exact than the reviewed file, "));
  EXPECT_TRUE(says(xml, "<skipped message=\"INCONCLUSIVE: cannot exclude +2.4%\"/>"));
  EXPECT_TRUE(says(xml, "<skipped message=\"LAYOUT: the kernels are the same machine code\"/>"));
  EXPECT_TRUE(says(xml, "NOT_COMPARABLE: the baseline does not know &lt;softmax&gt; &amp; cannot run it"));
  EXPECT_TRUE(says(xml, "<failure message=\"worse: error / bound 0.21 → 0.84, ulps 1.50 → 6.00\"/>"));
  EXPECT_FALSE(says(xml, "canary")) << "controls are no test cases";
}

TEST(GateJunit, AVoidRunIsOneError) {
  const std::string xml =
      render_gate_junit(parse_lines(failing_row("relu").dump() + "\n" + quiet_gate_lines("INVALID")));
  EXPECT_TRUE(says(xml, "tests=\"3\" failures=\"0\" errors=\"1\" skipped=\"2\">")) << xml;
  EXPECT_TRUE(says(xml, "<skipped message=\"the times of this run are void: the control canary:fma moved"));
}

TEST(GateJunit, ErrorsThatHaveGrownCountInAVoidRunToo) {
  json control = failing_row("relu");
  control.update({{"role", "control"}, {"verdict", "INVALID"}, {"reason", "moved"}});
  const std::string lines = failing_row("gelu").dump() + "\n" + control.dump() + "\n" + an_exactness().dump() + "\n";
  const std::string xml = render_gate_junit(parse_lines(lines + quiet_gate_lines("LESS_EXACT")));
  EXPECT_TRUE(says(xml, "tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"2\">")) << xml;
}

TEST(GateJunit, NothingMeasuredIsAnError) {
  for (const Records& records : {Records{}, parse(a_gate()), fixture_records(false)})
    EXPECT_TRUE(says(render_gate_junit(records), "tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">"));
  json refused = a_gate_row(), gate = a_gate();
  refused.update({{"verdict", "NOT_COMPARABLE"}, {"reason", "unknown"}});
  refused.erase("screened");
  gate.update({{"verdict", "NOT_COMPARABLE"}, {"reason", "no row can be compared"}});
  EXPECT_TRUE(says(render_gate_junit(parse_lines(refused.dump() + "\n" + gate.dump() + "\n")),
                   "tests=\"2\" failures=\"0\" errors=\"1\" skipped=\"1\">"));
}

TEST(GateJunit, AFailureThatNoRowShowsHasACaseOfItsOwn) {
  const std::string xml = render_gate_junit(parse_lines(quiet_gate_lines("LESS_EXACT")));
  EXPECT_TRUE(says(xml, "tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">")) << xml;
  EXPECT_TRUE(says(xml, "<failure message=\"Less exact (LESS_EXACT): "));
}

TEST(Junit, RecordsOfAGateAloneAreTheGates) {
  EXPECT_EQ(render_junit(failing_gate()), render_gate_junit(failing_gate()));
}

TEST(GateHtml, APageAboutTheGateAlone) {
  const std::string html = render_html(failing_gate());
  const std::string before_scripts = html.substr(0, html.find("<script type=\"application/json\""));
  EXPECT_TRUE(says(html, "data-state=\"failed\""));
  EXPECT_TRUE(says(before_scripts, "<h1><strong>Slower</strong> (FAIL): 9 rows: "));
  EXPECT_TRUE(says(before_scripts, "data-chart=\"forest\""));
  EXPECT_TRUE(says(before_scripts, ">+5.5%</td>"));
  EXPECT_TRUE(says(before_scripts, "+4.9% to +6.1%"));
  EXPECT_TRUE(says(before_scripts, "canary:triad"));
  EXPECT_TRUE(says(before_scripts, "<span class=\"before\">0.21 →</span> 0.84"));
  EXPECT_TRUE(says(before_scripts, "Calibrated on this machine: 0 false alarms"));
  EXPECT_TRUE(says(before_scripts, "does not know &lt;softmax&gt; &amp; cannot"));
  EXPECT_FALSE(says(before_scripts, "nothing was checked"));
  EXPECT_FALSE(says(before_scripts, "id=\"operations\""));
  EXPECT_TRUE(says(html, "gradproof.charts.forest"));
}

TEST(GateHtml, ASectionOfAPageAboutMore) {
  const std::string html = render_html(parse_lines(fixture_lines(false) + gate_lines()));
  EXPECT_TRUE(says(html, "<a href=\"#gate\">Gate</a>"));
  EXPECT_TRUE(says(html, "<p class=\"ruling\" data-tone=\"bad\"><strong>Slower</strong> (FAIL)"));
  EXPECT_LT(html.find("<section id=\"gate\">"), html.find("<section id=\"operations\">"));
}

TEST(GateHtml, NothingOfItWhereThereIsNoGate) {
  const std::string html = render_html(fixture_records(true));
  for (const char* part : {"id=\"gate", "#gate", "forest", ".ruling", "\"gate\""})
    EXPECT_FALSE(says(html, part)) << part;
}

// A row without times that is no want of times: it was refused or wrong, which no noise excuses.
TEST(GateRender, LostRowsFailEverywhere) {
  json row = a_gate_row();
  for (const char* key : {"change", "delta", "screened", "confirmed", "recurred", "low", "high", "p", "adjusted",
                          "sign_low", "sign_high", "baseline_ns", "candidate_ns"})
    row.erase(key);
  row.update({{"verdict", "LOST"}, {"reason", "the candidate: wrong at this size"}});
  const Records records = parse_lines(row.dump() + "\n" + quiet_gate_lines());
  EXPECT_EQ(summarize(records).gate.ruling, Ruling::kLost);
  EXPECT_NE(render_gate_markdown(records).find("**LOST**"), std::string::npos);
  EXPECT_NE(render_gate_junit(records).find("<failure message=\"LOST: the candidate: wrong at this size"),
            std::string::npos);
  EXPECT_NE(render_html(records).find("Lost or wrong"), std::string::npos);
}

}  // namespace
}  // namespace gradproof
