#include "cli/selection.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "ops/core/error.h"
#include "ops/core/pattern.h"

namespace gradproof {
namespace {

bool has_colon(const std::string& word) { return word.find(':') != std::string::npos; }

void require_operation(const Registry& registry, const std::string& pattern) {
  std::vector<std::string_view> known;
  for (const auto& operation : registry.operations()) {
    if (matches_operation(pattern, operation->spec)) return;
    known.push_back(operation->spec.name);
  }
  refuse("no operation matches '{}'; there are {}", pattern, fmt::join(known, " "));
}

}  // namespace

bool Selection::takes(const Case& c) const {
  return everything() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return has_colon(pattern) ? matches_pattern(pattern, c.to_text()) : matches_operation(pattern, *c.spec);
         });
}

Selection select(const Registry& registry, const std::vector<std::string>& words) {
  Selection selection;
  for (const std::string& word : words) {
    if (has_colon(word) && !has_wildcard(word)) {
      selection.cases.push_back(registry.parse_case(word));
      continue;
    }
    if (!has_colon(word)) require_operation(registry, word);
    selection.patterns.push_back(is_operation(registry, word) ? word + ":*" : word);
  }
  return selection;
}

std::vector<const Operation*> select_operations(const Registry& registry, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) require_operation(registry, pattern);
  std::vector<const Operation*> operations;
  for (const auto& operation : registry.operations()) {
    const auto named = [&](const std::string& pattern) { return names_operation(registry, pattern, operation->spec); };
    if (patterns.empty() || std::any_of(patterns.begin(), patterns.end(), named)) operations.push_back(operation.get());
  }
  return operations;
}

}  // namespace gradproof
