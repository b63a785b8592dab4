#include "cli/selection.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>

#include "ops/core/error.h"

namespace gradproof {

bool matches_pattern(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

namespace {

bool names(const std::string& pattern, const Spec& spec) {
  return matches_pattern(pattern, spec.name) || matches_pattern(pattern, spec.family);
}

// A family may be called as one of its operations is: then the operation is meant.
bool names_operation(const Registry& registry, const std::string& word) {
  return std::any_of(registry.operations().begin(), registry.operations().end(),
                     [&](const auto& operation) { return operation->spec.name == word; });
}

bool has_colon(const std::string& word) { return word.find(':') != std::string::npos; }
bool has_wildcard(const std::string& word) { return word.find_first_of("*?[") != std::string::npos; }

void require_operation(const Registry& registry, const std::string& pattern) {
  std::vector<std::string_view> known;
  for (const auto& operation : registry.operations()) {
    if (names(pattern, operation->spec)) return;
    known.push_back(operation->spec.name);
  }
  refuse("no operation matches '{}'; there are {}", pattern, fmt::join(known, " "));
}

}  // namespace

bool Selection::takes(const Case& c) const {
  return everything() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return has_colon(pattern) ? matches_pattern(pattern, c.to_text()) : names(pattern, *c.spec);
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
    selection.patterns.push_back(names_operation(registry, word) ? word + ":*" : word);
  }
  return selection;
}

std::vector<const Operation*> select_operations(const Registry& registry, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) require_operation(registry, pattern);
  std::vector<const Operation*> operations;
  for (const auto& operation : registry.operations()) {
    const auto named = [&](const std::string& pattern) {
      return names_operation(registry, pattern) ? operation->spec.name == pattern : names(pattern, operation->spec);
    };
    if (patterns.empty() || std::any_of(patterns.begin(), patterns.end(), named)) operations.push_back(operation.get());
  }
  return operations;
}

}  // namespace gradproof
