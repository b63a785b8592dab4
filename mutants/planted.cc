#include "mutants/planted.h"

#include <cstdio>
#include <cstdlib>

#include "mutants/switch.h"

namespace gradproof {

// nothing_planted.cc, or what plant has written.
extern const char* const kPlantedCatalogue;

namespace {

constexpr int kUsage = 64;

std::atomic<bool> trace{false};

}  // namespace

const std::vector<PlantedBug>& planted_bugs() {
  static const std::vector<PlantedBug> bugs = parse_catalogue(kPlantedCatalogue, "the catalogue of planted bugs");
  return bugs;
}

int number_of_mutant(const char* id) {
  if (id == nullptr || *id == '\0') return 0;
  const std::vector<PlantedBug>& bugs = planted_bugs();
  for (size_t i = 0; i < bugs.size(); ++i)
    if (bugs[i].id == id) return static_cast<int>(i) + 1;
  std::fprintf(stderr, "gradproof: no planted bug is called '%s'; mutate --list names them\n", id);
  std::exit(kUsage);
}

std::atomic<bool>* mutant_trace = &trace;
// The one choice that is made before main(): kernels of static objects are switched, too.
int chosen_mutant = planted_bugs().empty() ? 0 : number_of_mutant(std::getenv("GRADPROOF_MUTANT"));

}  // namespace gradproof
