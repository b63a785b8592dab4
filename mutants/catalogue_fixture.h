// What the tests of catalogue and planting share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mutants/catalogue.h"

namespace gradproof {

// The catalogue of one entry, of which `rest` are the last lines.
inline std::vector<PlantedBug> parse_entry(const std::string& rest) {
  return parse_catalogue("pool.tie\n  file ops/a.cc\n  asks max_pool\n  wrong Ties.\n" + rest, "here");
}

// What is said of bad input; empty where nothing is.
inline std::string complaint(const std::function<void()>& work) {
  try {
    work();
  } catch (const CatalogueError& error) {
    return error.what();
  }
  return "";
}

inline bool says(const std::string& sentence, const std::string& words) {
  return sentence.find(words) != std::string::npos;
}

}  // namespace gradproof
