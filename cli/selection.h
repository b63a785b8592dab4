// What the words behind a subcommand choose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/core/registry.h"

namespace gradproof {

// A word is either one case ("conv:mb=1,...") or a pattern with the wildcards * ? [ ]: without a colon it is matched
// with the names and families of operations ("conv", "*pool"), with a colon with the texts of listed cases
// ("conv:*g=2*").
struct Selection {
  std::vector<Case> cases;            // given one by one
  std::vector<std::string> patterns;  // the others

  bool everything() const { return cases.empty() && patterns.empty(); }
  // Whether a pattern, or an empty selection, takes in this listed case.
  bool takes(const Case& c) const;
};

// Throws UsageError for a word that is not a valid case, and for a pattern without a colon that no operation matches,
// naming the operations there are.
Selection select(const Registry& registry, const std::vector<std::string>& words);

// The operations that a pattern without a colon matches; all of them when there are no patterns. Throws as select()
// does.
std::vector<const Operation*> select_operations(const Registry& registry, const std::vector<std::string>& patterns);

}  // namespace gradproof
