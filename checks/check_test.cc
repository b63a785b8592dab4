// Every check of every operation as a GoogleTest test, named op.oracle / case.pass.implementation, so that filters,
// and XML output work on them. --part=K/N takes every Nth case from the Kth on (0 is the first): GoogleTest's own
// sharding deals out the tests of a case to all, and each would compute that case's truth.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "checks/runner.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

// A worker's memo: tests of one case follow each other.
Memo& memo() {
  static Memo shared;
  return shared;
}

class CheckTest : public testing::Test {
 public:
  explicit CheckTest(const Task& task) : task_(task) {}

  void TestBody() override {
    const Record record = checked_record(task_, memo(), true);
    if (record["status"] == "skip") GTEST_SKIP() << record.value("reason", "");
    EXPECT_EQ(record["status"], "pass") << record.dump(2);
  }

 private:
  const Task& task_;
};

std::string shell_safe(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '_'; }, '_');
  return text;
}

struct Part {
  Index first = 0, step = 1;
};

// Of what GoogleTest has left of the command line.
Part part_of(int argc, char** argv) {
  Part part;
  if (argc == 1) return part;
  char* end = nullptr;
  constexpr const char* kOption = "--part=";
  if (argc == 2 && std::strncmp(argv[1], kOption, std::strlen(kOption)) == 0) {
    part.first = std::strtoll(argv[1] + std::strlen(kOption), &end, 10);
    if (*end == '/') part.step = std::strtoll(end + 1, &end, 10);
    if (*end == '\0' && 0 <= part.first && part.first < part.step) return part;
  }
  refuse("wrong use; write check_test [--part=K/N] with K from 0 to N - 1, and GoogleTest's options");
}

std::vector<Task> tasks_of(const std::vector<Task>& all, const Part& part) {
  std::vector<Task> tasks;
  Index number = -1;  // of the case; its tasks lie next to each other
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == 0 || all[i].property != nullptr || !(all[i - 1].c == all[i].c)) ++number;
    if (number % part.step == part.first) tasks.push_back(all[i]);
  }
  return tasks;
}

}  // namespace
}  // namespace gradproof

int main(int argc, char** argv) {
  using namespace gradproof;
  testing::InitGoogleTest(&argc, argv);
  const Registry registry = register_operations();
  const References references = register_references();
  const std::vector<Oracle> oracles = all_oracles();
  const std::vector<Task> tasks = tasks_of(plan_tasks(registry, references, oracles, {}), part_of(argc, argv));
  for (const Task& task : tasks) {
    const std::string suite = task.operation->spec.name + "." + task.oracle->name;
    const std::string what = task.property != nullptr ? task.property->name : task.c.attributes.to_text();
    const std::string name =
        fmt::format("{}/{}/{}/{}", task.tier, what, task.pass.to_text(), task.implementation_name());
    testing::RegisterTest(shell_safe(suite).c_str(), shell_safe(name).c_str(), nullptr, name.c_str(), __FILE__,
                          __LINE__, [&task]() -> testing::Test* { return new CheckTest(task); });
  }
  return RUN_ALL_TESTS();
}
