// A word that chooses, and behind a line feed what it is held against.
#include "ops/core/pattern.h"

#include "cli/selection.h"
#include "fuzzers/fuzzer.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {

void fuzz(std::string_view input) {
  static const Registry registry = register_operations();
  // What is matched ends at a zero byte, as words of a command line do.
  const std::string text(input.substr(0, input.find('\0')));
  const std::string word = text.substr(0, text.find('\n'));
  const std::string other = text.substr(std::min(text.size(), word.size() + 1));
  const bool plain = !has_wildcard(word) && word.find('\\') == std::string::npos;
  if (plain) require(matches_pattern(word, other) == (word == other), "a plain word means itself", text);
  Selection selection;
  if (!takes<UsageError>([&] { selection = select(registry, {word}); }, "")) return;
  for (const Case& c : selection.cases) require(registry.parse_case(word) == c, "a case is chosen as written", word);
  if (word.find(':') == std::string::npos)
    require(!select_operations(registry, {word}).empty(), "what is taken matches an operation", word);
}

}  // namespace gradproof
