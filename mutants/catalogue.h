// The catalogue of planted bugs: what is wrong, where, and which operations have to notice.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace gradproof {

// A line and a column of a file, from 1 on; 0 where it is not told.
struct Place {
  int line = 0, column = 0;
};

// One entry of catalogue.txt, whose head explains the form.
struct PlantedBug {
  std::string id;                     // "pool.tie-goes-last": the part before the first dot is its family
  std::string file;                   // "ops/pool/max_pool_simd.cc"
  std::vector<std::string> patterns;  // of operations, as check takes them
  std::string wrong;                  // one line: what is wrong, and in brackets where it happened for real
  std::string anchor;                 // behind it the original is looked for; empty: in the whole file
  Place place;                        // or where it is
  std::string original, mutated;
  int line = 0;  // of the catalogue

  std::string family() const { return id.substr(0, id.find('.')); }
};

// The message is one sentence that names the catalogue's line and the entry.
struct CatalogueError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The entry as text, as parse_catalogue takes it.
std::string to_text(const PlantedBug& bug);

// Throws CatalogueError for what is no catalogue; `name` stands for it in messages.
std::vector<PlantedBug> parse_catalogue(std::string_view text, const std::string& name);

}  // namespace gradproof
