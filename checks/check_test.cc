// Every check of every operation as a GoogleTest test, named op.oracle / case.pass.implementation, so that filters,
// sharding and XML output work on them.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "checks/runner.h"
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

}  // namespace
}  // namespace gradproof

int main(int argc, char** argv) {
  using namespace gradproof;
  testing::InitGoogleTest(&argc, argv);
  const Registry registry = register_operations();
  const References references = register_references();
  const std::vector<Oracle> oracles = all_oracles();
  const std::vector<Task> tasks = plan_tasks(registry, references, oracles, {});
  for (const Task& task : tasks) {
    const std::string suite = task.operation->spec.name + "." + task.oracle->name;
    const std::string name = fmt::format("{}/{}/{}/{}", task.tier, task.c.attributes.to_text(), task.pass.to_text(),
                                         task.implementation_name());
    testing::RegisterTest(shell_safe(suite).c_str(), shell_safe(name).c_str(), nullptr, name.c_str(), __FILE__,
                          __LINE__, [&task]() -> testing::Test* { return new CheckTest(task); });
  }
  return RUN_ALL_TESTS();
}
