// A catalogue of planted bugs: entries that are read and written are the same.
#include "mutants/catalogue.h"

#include "fuzzers/fuzzer.h"

namespace gradproof {
namespace {

std::string text_of(const std::vector<PlantedBug>& bugs) {
  std::string text;
  for (const PlantedBug& bug : bugs) text += to_text(bug);
  return text;
}

}  // namespace

void fuzz(std::string_view input) {
  std::vector<PlantedBug> bugs;
  if (!takes<CatalogueError>([&] { bugs = parse_catalogue(input, kFuzzedFile); })) return;
  const std::string text = text_of(bugs);
  require(text_of(parse_catalogue(text, kFuzzedFile)) == text, "entries are as they are written", text);
}

}  // namespace gradproof
