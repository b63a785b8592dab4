#include "reports/records.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "reports/fixture.h"

namespace gradproof {
namespace {

using nlohmann::json;

std::string complaint(const std::string& lines) {
  try {
    parse_lines(lines);
  } catch (const ReportError& error) {
    return error.what();
  }
  return "accepted";
}

std::string complaint_with(const char* key, const json& value) {
  json check = a_check();
  check[key] = value;
  return complaint(check.dump() + "\n");
}

void expect_says(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "\"" << message << "\" should say \"" << part << "\"";
  EXPECT_EQ(message.find('\n'), std::string::npos) << "one sentence on one line";
}

TEST(Records, ReadsEveryKind) {
  const Records records = fixture_records(true);
  EXPECT_EQ(records.environments.size(), 1u);
  EXPECT_EQ(records.environments[0].caches.at("l2"), 1048576);
  EXPECT_GT(records.checks.size(), 300u);
  EXPECT_GT(records.timings.size(), 90u);
  EXPECT_EQ(records.roofs.size(), 20u);
}

TEST(Records, PeersAreMarked) {
  json check = a_check(), timing = a_timing();
  EXPECT_FALSE(parse(check).checks.at(0).peer);
  check["peer"] = timing["peer"] = true;
  EXPECT_TRUE(parse(check).checks.at(0).peer);
  EXPECT_TRUE(parse(timing).timings.at(0).peer);
  expect_says(complaint_with("peer", "yes"), "\"peer\"");
}

json a_mutant() {
  return {{"schema", 1},        {"kind", "mutant"}, {"mutant", "pool.tie-goes-last"},
          {"status", "killed"}, {"reached", true},  {"oracles", {"kink", "vjp"}},
          {"family", "pool"},   {"seconds", 0.5}};
}

TEST(Records, MutantsAreReadAndAKillNeedsAWitness) {
  const MutantRecord mutant = parse(a_mutant()).mutants.at(0);
  EXPECT_TRUE(mutant.killed);
  EXPECT_EQ(mutant.oracles, (std::vector<std::string>{"kink", "vjp"}));
  json unreached = a_mutant(), unnoticed = a_mutant(), unknown = a_mutant();
  unreached["reached"] = false;
  expect_says(complaint(unreached.dump() + "\n"), "was not reached");
  unnoticed["oracles"] = json::array();
  expect_says(complaint(unnoticed.dump() + "\n"), "no oracle is named");
  unknown["status"] = "wounded";
  expect_says(complaint(unknown.dump() + "\n"), "must be killed or survived");
}

TEST(Records, AbsentMeansNotKnown) {
  const Check check = parse(a_check()).checks.at(0);
  EXPECT_FALSE(check.worst.has_value());
  EXPECT_FALSE(check.digits.has_value());
  EXPECT_EQ(check.repro, "");
}

TEST(Records, ExpectedAndGotMayBeTextOrNumber) {
  json check = a_check();
  check["expected"] = "-inf";
  check["got"] = 0.25;
  check["where"] = {0, 3, 1};
  check["seed"] = 18446744073709551615u;
  const Check read = parse(check).checks.at(0);
  EXPECT_EQ(read.expected, "-inf");
  EXPECT_EQ(read.got, "0.25");
  EXPECT_EQ(read.where, "[0,3,1]");
  EXPECT_EQ(read.seed, "18446744073709551615");
}

TEST(Records, UnknownKeysAreIgnored) { EXPECT_EQ(complaint_with("later_addition", 7), "accepted"); }

TEST(Records, RefusalsNameFileLineAndCure) {
  const std::string good = a_check().dump() + "\n";
  expect_says(complaint(good + "{\"schema\":1,\n" + good), "records.jsonl:2: ");
  expect_says(complaint(good + "{\"schema\":1,\n" + good), "not strict JSON");
  expect_says(complaint(good + "\n" + good), "records.jsonl:2: the line is empty");
  expect_says(complaint("[1]\n"), "every line must be one JSON object");
  expect_says(complaint(good + "{\"schema\":1,\"kind\":\"check\",\"worst\":NaN}\n"), "records.jsonl:2: ");
  expect_says(complaint("{\"schema\":1,\"kind\":\"check\",\"worst\":1e999}\n"), "not strict JSON");
  expect_says(complaint("{\"schema\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}\n"),
              "records are flat");
  expect_says(complaint_with("schema", 2), "schema 2 is not known here; this gradproof reads schema 1");
  expect_says(complaint_with("schema", "1"), "reads schema 1");
  expect_says(complaint("{\"kind\":\"check\"}\n"), "\"schema\" is missing");
  expect_says(complaint_with("kind", "chekc"),
              "must be environment, oracle, check, timing, roof, gate_row, gate, exactness, calibration or mutant");
  expect_says(complaint_with("status", "passed"), "must be pass, fail or skip");
  expect_says(complaint_with("pass", "backward"), "must be forward, vjp or vjp:<slot>");
  expect_says(complaint_with("op", ""), "\"op\" is \"\" in this check record; it must be a non-empty string");
  expect_says(complaint_with("worst", "0.5"), "\"worst\" is \"0.5\" in this check record");
  expect_says(complaint_with("worst", nullptr), "or absent when it is not known");
  expect_says(complaint_with("bound", -1), "zero or more");
  expect_says(complaint_with("status", "skip"), "a skip carries no reason");
}

TEST(Records, PlantedBugsMayBelongToNoPass) {
  json check = a_check();
  check.erase("pass");
  expect_says(complaint(check.dump() + "\n"), "\"pass\" is missing in this check record");
  check["oracle"] = "self";
  EXPECT_EQ(complaint(check.dump() + "\n"), "accepted");
}

TEST(Records, PointsOfACurveHaveBothCoordinates) {
  json check = a_check();
  check["curves"] = {{{"name", "loss"}, {"x", {1, 2}}, {"y", {0.5}}}};
  expect_says(complaint(check.dump() + "\n"), "as many \"x\" as \"y\"");
  check["curves"][0]["y"] = {0.5, 0.25};
  EXPECT_EQ(complaint(check.dump() + "\n"), "accepted");
}

TEST(Records, KeyGivenTwiceIsRefused) {
  std::string line = a_check().dump();
  line.insert(1, "\"status\":\"fail\",");
  expect_says(complaint(line + "\n"), "\"status\" is given twice");
}

TEST(Records, BytesThatAreNotUtf8AreRefused) {
  expect_says(complaint("{\"schema\":1,\"kind\":\"check\",\"op\":\"\xff\"}\n"),
              "records.jsonl:1: this is not strict JSON");
}

TEST(Records, TruncatedLastLineIsCalledThat) {
  const std::string line = a_check().dump();
  expect_says(complaint(line + "\n" + line.substr(0, 40)), "records.jsonl:2: the last line is cut off after 40 bytes");
  EXPECT_EQ(complaint(line + "\n" + line), "accepted") << "a whole last line needs no line break";
}

TEST(Records, TimingsNeedTimesAndReasons) {
  const auto timing_with = [](const char* key, const json& value) {
    json timing = a_timing();
    timing[key] = value;
    return complaint(timing.dump() + "\n");
  };
  expect_says(timing_with("ns", 0), "must be positive");
  expect_says(timing_with("threads", 0), "a whole number, 1 or more");
  expect_says(timing_with("threads", 1.5), "a whole number, 1 or more");
  expect_says(timing_with("status", "refused"), "a refused timing carries no reason");
  expect_says(timing_with("samples_ns", json::array({1, "2"})), "a list of numbers");
  expect_says(
      complaint("{\"schema\":1,\"kind\":\"roof\",\"name\":\"copy\",\"threads\":1,\"value\":9,\"unit\":\"GFLOP/s\"}\n"),
      "it must be GB/s");
}

class RecordFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("gradproof_records_") + test->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const char* name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::string complaint_about(const std::vector<std::filesystem::path>& files) {
    try {
      read_records(files);
    } catch (const ReportError& error) {
      return error.what();
    }
    return "accepted";
  }

  std::filesystem::path folder_;
};

TEST_F(RecordFiles, AreReadTogether) {
  const auto one = write("one.jsonl", a_check().dump() + "\n");
  const auto two = write("two.jsonl", a_timing().dump() + "\n" + a_check().dump() + "\n");
  const Records records = read_records({one, two});
  EXPECT_EQ(records.checks.size(), 2u);
  EXPECT_EQ(records.timings.size(), 1u);
}

TEST_F(RecordFiles, ThatCannotBeReadAreNamed) {
  expect_says(complaint_about({}), "No records file was given");
  expect_says(complaint_about({folder_ / "none.jsonl"}), "none.jsonl: there is no such file");
  expect_says(complaint_about({folder_}), "this is a directory");
  expect_says(complaint_about({write("empty.jsonl", "")}), "empty.jsonl: the file is empty");
  expect_says(complaint_about({write("bad.jsonl", "oops\n")}), "bad.jsonl:1: ");
}

}  // namespace
}  // namespace gradproof
