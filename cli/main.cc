// gradproof: is the gradient right, how exact is it, how fast is it.
#include <cstdio>
#include <new>

#include "bench/peers/peers.h"
#include "cli/command.h"
#include "ops/core/error.h"
#include "ops/register.h"
#include "reports/records.h"

namespace gradproof {
namespace {

ExitCode fail(ExitCode code, std::string_view sentence) {
  fmt::print(stderr, "gradproof: {}\n", sentence);
  return code;
}

std::string subcommand_names(const CLI::App& app) {
  std::string names;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names += (names.empty() ? "" : " ") + sub->get_name();
  return names;
}

// CLI11 puts every unexpected argument into one line, but may break lines; and its sentences do not say what is right.
ExitCode fail_usage(const CLI::App& app, const CLI::ParseError& error, std::string_view first_word) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty() && !first_word.empty())
    return fail(kUsage, fmt::format("unknown subcommand '{}'; there are {}", first_word, subcommand_names(app)));
  std::string sentence = error.what();
  sentence = sentence.substr(0, sentence.find('\n'));
  while (!sentence.empty() && (sentence.back() == '.' || sentence.back() == ' ')) sentence.pop_back();
  return fail(kUsage, fmt::format("{}; see gradproof {}--help", sentence,
                                  chosen.empty() ? std::string() : chosen.front()->get_name() + " "));
}

void declare(CLI::App& app, Action& chosen) {
  app.name("gradproof");
  app.description("Is the gradient right, how exact is it, how fast is it: verifies and times neural-network kernels.");
  app.footer(
      "Exit codes: 0 all held; 1 a check failed; 64 usage or bad input; 70 internal fault.\n"
      "A case is written op:key=value,..., for instance conv:mb=1,ic=3,i=8,oc=4,k=3 (see gradproof list).");
  app.require_subcommand(1);
  offer_run(app, chosen);
  offer_check(app, chosen);
  offer_bench(app, chosen);
  offer_report(app, chosen);
  offer_list(app, chosen);
  offer_eval(app, chosen);
  offer_test(app, chosen);
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
  CLI::App app;
  Action chosen;
  declare(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return kHeld;
  } catch (const CLI::ParseError& error) {
    return fail_usage(app, error, argc > 1 ? argv[1] : "");
  }
  return run_chosen(chosen);
}

}  // namespace
}  // namespace gradproof

int main(int argc, char** argv) {
  using namespace gradproof;
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
