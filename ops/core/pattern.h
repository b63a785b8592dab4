// Words of users that stand for several things.
#pragma once

#include <string>

#include "ops/core/registry.h"

namespace gradproof {

// Whether a text matches a pattern with the wildcards * ? [ ].
bool matches_pattern(const std::string& pattern, const std::string& text);

bool has_wildcard(const std::string& word);

// Whether there is an operation of that name.
bool is_operation(const Registry& registry, const std::string& word);

// Whether an operation's name or its family matches a pattern.
bool matches_operation(const std::string& pattern, const Spec& spec);

// Whether a word means an operation. Where a family is called as one of its operations is, that operation alone is
// meant.
bool names_operation(const Registry& registry, const std::string& word, const Spec& spec);

}  // namespace gradproof
