// gradproof test belongs to the launcher: it builds the tests and runs ctest.
#include "cli/command.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

struct TestOptions {};

ExitCode run_test(const TestOptions&, Session&) {
  refuse("the tests are built and run by the launcher in the source tree; run ./gradproof test there");
}

}  // namespace

void offer_test(CLI::App& app, Action& chosen) {
  const auto declare = [](CLI::App& sub, TestOptions&) { sub.allow_extras(); };
  offer<TestOptions>(app, chosen, "test", "The project's own test suite (through the launcher)", declare, run_test);
}

}  // namespace gradproof
