// The bugs that this program carries: those of the catalogue in a build with GRADPROOF_MUTATED, else none.
#pragma once

#include <string>
#include <vector>

#include "mutants/catalogue.h"

namespace gradproof {

// Numbered from 1 on, in their order.
const std::vector<PlantedBug>& planted_bugs();

// The number of a bug by its id; ends the program with a sentence where there is none of that name. 0 without a name.
int number_of_mutant(const char* id);

}  // namespace gradproof
