// Planting: a source file in which each bug is a switch beside what it replaces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mutants/catalogue.h"

namespace gradproof {

// A bug and the number of its switch.
struct Numbered {
  int number;
  const PlantedBug* bug;
};

// The text of a file with all of these bugs in it, none of which is switched on. A statement, which ends with ';',
// becomes `if (gradproof_mutant(n)) { mutated } else { original }`, an expression a conditional one. Blanks and line
// breaks in the catalogue stand for any in the file. Throws CatalogueError for an entry that does not match exactly
// once, or whose place overlaps another's without lying within it.
std::string planted(std::string_view source, const std::vector<Numbered>& bugs);

}  // namespace gradproof
