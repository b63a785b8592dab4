// gradproof serve, asked in ways that no gate asks.
#include "bench/serve.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "ops/register.h"

namespace gradproof {
namespace {

// All that is answered to lines that fit into a pipe.
std::string answers_to(const std::string& lines) {
  static const Registry registry = register_operations();
  static const References references = register_references();
  int requests[2], replies[2];
  EXPECT_EQ(pipe(requests) + pipe(replies), 0);
  EXPECT_EQ(write(requests[1], lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  close(requests[1]);
  serve(registry, references, requests[0], replies[1]);
  close(requests[0]);
  close(replies[1]);
  std::string all(1 << 16, '\0');
  all.resize(static_cast<size_t>(std::max<ssize_t>(read(replies[0], all.data(), all.size()), 0)));
  close(replies[0]);
  return all;
}

constexpr const char* kLoad = R"({"do":"load","case":"relu:mb=1,c=1,iw=8","pass":"forward","measured":false})";

TEST(Serve, LoadsAndTimesARow) {
  const std::string answers = answers_to(std::string(kLoad) + "\n" +
                                         R"({"do":"time","iterations":2,"batches":3})"
                                         "\n");
  EXPECT_NE(answers.find(R"("ready":true)"), std::string::npos) << answers;
  EXPECT_NE(answers.find(R"("ns":[)"), std::string::npos) << answers;
}

struct Question {
  const char* name;
  const char* request;
  const char* answer;  // some of its words
};

class Nonsense : public testing::TestWithParam<Question> {};

// One sentence each, and the next request is answered as if nothing had been.
TEST_P(Nonsense, IsAnsweredAndOutlived) {
  const std::string answers = answers_to(std::string(kLoad) + "\n" + GetParam().request + "\n" + kLoad + "\n");
  EXPECT_NE(answers.find(GetParam().answer), std::string::npos) << answers;
  EXPECT_NE(answers.rfind(R"("ready":true)"), answers.find(R"("ready":true)")) << answers;
}

INSTANTIATE_TEST_SUITE_P(
    Serve, Nonsense,
    testing::Values(
        Question{"no_json", "load", "not a request"}, Question{"a_list", "[1]", "not a request"},
        Question{"an_unknown_request", R"({"do":"sing"})", "there are hello, load and time"},
        Question{"no_request", "{}", "there are hello, load and time"},
        Question{"a_core_that_is_not_there", R"({"do":"hello","protocol":1,"core":100000})", "cannot be used"},
        Question{"a_negative_core", R"({"do":"hello","protocol":1,"core":-1})", "not a request"},
        Question{"a_huge_number", R"({"do":"time","iterations":1e300})", "not a request"},
        Question{"a_text_for_a_number", R"({"do":"time","iterations":"many"})", "not a request"},
        Question{"half_a_batch", R"({"do":"time","batches":0.5})", "not a request"},
        Question{"an_endless_handicap", R"({"do":"time","handicap":1e300})", "'handicap' must be from 0"},
        Question{"a_negative_seed", R"({"do":"load","seed":-1})", "'seed' must be a whole number"},
        Question{"buffers_far_off", R"({"do":"load","misalignment":2147483647})", "'misalignment' must be below 16"},
        Question{"an_unknown_operation", R"({"do":"load","case":"sing:mb=1","pass":"forward"})", R"("ready":false)"},
        Question{"an_unknown_pass", R"({"do":"load","case":"relu:mb=1,c=1,iw=8","pass":"sideways"})",
                 R"("ready":false)"}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace gradproof
