// Layers of published networks, from text: what is worth timing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/core/registry.h"

namespace gradproof {

// One layer at one batch size.
struct Layer {
  std::string name;  // of its line; with several batch sizes "name/mb:8". Empty for a case given on its own
  Case work;
  int multiplicity = 1;  // how often the network holds it
};

// Reads a list of layers. Blank lines and what follows a # are skipped; the other lines are
//   batch 1 8                  the batch sizes of the lines that follow, for cases without mb of their own
//   name  op:key=value,...  [xN]   a layer, N times in the network
// Throws UsageError "file:line: ..." for a line that is neither, for a case that the registry refuses, for a name given
// twice and for a list without layers.
std::vector<Layer> parse_shapes(const Registry& registry, std::string_view text, const std::string& file);

// `sizes` is the name of a list that the program carries (embedded_shape_names()), or else a file.
// Throws UsageError when it is neither, naming the lists.
std::vector<Layer> load_shapes(const Registry& registry, const std::string& sizes);

std::vector<std::string> embedded_shape_names();

}  // namespace gradproof
