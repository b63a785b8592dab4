#include "gate/contestant.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gate/fake_program.h"

namespace gradproof {
namespace {

using Kind = ContestantError::Kind;

constexpr const char* kHello = R"({"protocol":1,"environment":{"commit":"abc"}})";

// Why asking a program for a row and its time fails.
Kind failure_of(const std::filesystem::path& program, std::string* sentence = nullptr) {
  try {
    Contestant contestant(program, "baseline", {});
    contestant.load({"relu:c=1", "forward"}, {});
    contestant.time(1, 4, 0, 1);
  } catch (const ContestantError& error) {
    if (sentence != nullptr) *sentence = error.what();
    return error.kind;
  }
  ADD_FAILURE() << program << " was taken for sound";
  return Kind::kMissing;
}

TEST(Contestant, IsGreetedLoadedAndTimed) {
  FakePrograms programs;
  Contestant contestant(programs.timed("sound", "echo 1000"), "baseline", {});
  EXPECT_EQ(contestant.facts().processor, "toy");
  const Loaded loaded = contestant.load({"relu:c=1", "forward"}, {});
  EXPECT_TRUE(loaded.ready);
  EXPECT_EQ(loaded.isa, "TOY");
  const Turn turn = contestant.time(1, 8, 0, 100);
  ASSERT_EQ(turn.ns.size(), 8u);
  EXPECT_GE(turn.ns[0], 1000);
}

TEST(Contestant, MissingProgramsAreNamed) {
  std::string sentence;
  EXPECT_EQ(failure_of("/nowhere/gradproof", &sentence), Kind::kMissing);
  EXPECT_NE(sentence.find("the baseline /nowhere/gradproof"), std::string::npos) << sentence;
  EXPECT_EQ(failure_of("/tmp"), Kind::kMissing);
}

TEST(Contestant, OlderProgramsEndWithoutAnAnswer) { EXPECT_EQ(failure_of("/bin/false"), Kind::kOlder); }

TEST(Contestant, OtherVersionsAreMismatched) {
  FakePrograms programs;
  std::string sentence;
  EXPECT_EQ(failure_of(programs.scripted("newer", R"(echo '{"protocol":2}')"), &sentence), Kind::kMismatched);
  EXPECT_NE(sentence.find("version 2"), std::string::npos) << sentence;
}

TEST(Contestant, CrashesNameWhatWasDone) {
  FakePrograms programs;
  const std::string script = fmt::format("case $line in *hello*) echo '{}' ;; *) kill -SEGV $$ ;; esac", kHello);
  std::string sentence;
  EXPECT_EQ(failure_of(programs.scripted("crashing", script), &sentence), Kind::kCrashed);
  EXPECT_NE(sentence.find("SIGSEGV"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("relu:c=1"), std::string::npos) << sentence;
}

TEST(Contestant, AnswersThatAreNoneAreNotTrusted) {
  FakePrograms programs;
  EXPECT_EQ(failure_of(programs.scripted("babbling", "echo hello to you")), Kind::kOlder);
  const std::string script = fmt::format(
      "case $line in *hello*) echo '{}' ;; *load*) echo '{{\"ready\":true}}' ;; "
      "*) echo '{{}}' ;; esac",
      kHello);
  EXPECT_EQ(failure_of(programs.scripted("timeless", script)), Kind::kCrashed);
}

TEST(Answers, OfOtherTypesThanTheProtocolsAreNone) {
  EXPECT_THROW(greeting_of(R"({"protocol":"1"})"), AnswerError);
  EXPECT_THROW(greeting_of(R"({"protocol":1,"environment":[]})"), AnswerError);
  EXPECT_THROW(loaded_of(R"({"ready":"yes"})"), AnswerError);
  EXPECT_THROW(turn_of(R"({"ns":[1,"2"]})", 4), AnswerError);
  EXPECT_THROW(turn_of(R"({"ns":[1],"disturbed":1e300})", 4), AnswerError);
  EXPECT_THROW(turn_of("[]", 4), AnswerError);
}

TEST(Contestant, RowsThatAreRefusedSayWhy) {
  FakePrograms programs;
  const std::string script = fmt::format(
      "case $line in *hello*) echo '{}' ;; *) echo '{{\"ready\":false,\"reason\":\"unknown key\"}}' ;; esac", kHello);
  Contestant contestant(programs.scripted("refusing", script), "candidate", {});
  const Loaded loaded = contestant.load({"relu:z=1", "forward"}, {});
  EXPECT_FALSE(loaded.ready);
  EXPECT_EQ(loaded.reason, "unknown key");
}

}  // namespace
}  // namespace gradproof
