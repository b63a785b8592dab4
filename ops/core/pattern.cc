#include "ops/core/pattern.h"

#include <fnmatch.h>

#include <algorithm>

namespace gradproof {

bool matches_pattern(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool has_wildcard(const std::string& word) { return word.find_first_of("*?[") != std::string::npos; }

bool is_operation(const Registry& registry, const std::string& word) {
  return std::any_of(registry.operations().begin(), registry.operations().end(),
                     [&](const auto& operation) { return operation->spec.name == word; });
}

bool matches_operation(const std::string& pattern, const Spec& spec) {
  return matches_pattern(pattern, spec.name) || matches_pattern(pattern, spec.family);
}

bool names_operation(const Registry& registry, const std::string& word, const Spec& spec) {
  return is_operation(registry, word) ? spec.name == word : matches_operation(word, spec);
}

}  // namespace gradproof
