// gradproof: is the gradient right, how exact is it, how fast is it.
#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>

#include "bench/peers/peers.h"
#include "cli/command_line.h"
#include "ops/core/error.h"
#include "ops/register.h"
#include "reports/records.h"

namespace gradproof {
namespace {

ExitCode fail(ExitCode code, std::string_view sentence) {
  fmt::print(stderr, "gradproof: {}\n", sentence);
  return code;
}

ExitCode run_chosen(const Action& chosen) {
  Registry registry = register_operations();
  register_peers(registry);
  const References references = register_references();
  Console console;
  Session session{registry, references, console};
  const ExitCode code = chosen(session);
  // Results that never reached a full disk or a closed pipe were not delivered.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) refuse("cannot write to standard output; free some space");
  return code;
}

ExitCode run_program(int argc, char** argv) {
  const Action chosen = read_command_line(argc, argv);
  return chosen ? run_chosen(chosen) : kHeld;
}

// Threads of OpenMP that wait spin for some milliseconds before they sleep. Where several checks share the processor
// they keep each other from working: all `determinism` checks of conv and deform_layer took 17.7 s in two jobs on two
// cores, and 0.9 s where waiting threads sleep after some 0.2 ms, which is longer than a timed kernel keeps them
// waiting. libgomp reads its limit when it is loaded, so the program starts itself again.
void limit_spinning(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("GOMP_SPINCOUNT", "10000", 0);
  std::error_code unknown;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  execv(program.c_str(), argv);  // returns where it cannot: then checks are slower
}

}  // namespace
}  // namespace gradproof

int main(int argc, char** argv) {
  using namespace gradproof;
  limit_spinning(argv);
  try {
    return run_program(argc, argv);
  } catch (const UsageError& error) {
    return fail(kUsage, error.what());
  } catch (const ReportError& error) {
    return fail(kUsage, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kUsage, "there is not enough memory for this; choose a smaller case");
  } catch (const std::exception& error) {
    return fail(kInternal, fmt::format("internal fault: {}", error.what()));
  }
}
