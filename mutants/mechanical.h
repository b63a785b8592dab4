// Mechanical mutants: every operator, whole number and call of a source file that could be another one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mutants/catalogue.h"

namespace gradproof {

// In the order of the file. Each names its place by line and column. It is told from the text alone, so that some of
// them do not compile: those in constant expressions, for instance.
std::vector<PlantedBug> mechanical_mutants(const std::string& file, std::string_view source);

}  // namespace gradproof
