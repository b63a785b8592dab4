// plant CATALOGUE SOURCE TARGET: copies the folders ops, reference and checks of SOURCE to TARGET with the catalogue's
// bugs planted in them, and writes the catalogue itself to TARGET/planted_catalogue.cc. Files whose text has not
// changed are not touched, so that only what has is built again.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "mutants/planting.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error(file.string() + " cannot be read.");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void write_if_changed(const fs::path& file, const std::string& text) {
  if (fs::exists(file) && text_of(file) == text) return;
  fs::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (!stream.flush()) throw std::runtime_error(file.string() + " cannot be written.");
}

std::set<std::string> files_below(const fs::path& root) {
  std::set<std::string> files;
  for (const char* folder : {"ops", "reference", "checks"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (entry.is_regular_file()) files.insert(entry.path().lexically_relative(root).generic_string());
  }
  return files;
}

std::string catalogue_source(const std::string& catalogue) {
  return "namespace gradproof {\nextern const char* const kPlantedCatalogue;\n"
         "const char* const kPlantedCatalogue = R\"catalogue(" +
         catalogue + ")catalogue\";\n}  // namespace gradproof\n";
}

void plant_all(const fs::path& catalogue, const fs::path& source, const fs::path& target) {
  const std::string text = text_of(catalogue);
  const std::vector<PlantedBug> bugs = parse_catalogue(text, catalogue.filename().string());
  std::map<std::string, std::vector<Numbered>> of_file;
  for (size_t i = 0; i < bugs.size(); ++i) of_file[bugs[i].file].push_back({static_cast<int>(i) + 1, &bugs[i]});
  const std::set<std::string> files = files_below(source);
  for (const auto& [file, sites] : of_file)
    if (!files.contains(file)) throw CatalogueError(sites.front().bug->id + " names " + file + ", which is no file.");
  for (const std::string& file : files) {
    std::string copy = text_of(source / file);
    if (const auto sites = of_file.find(file); sites != of_file.end())
      copy = "#include \"mutants/switch.h\"\n" + planted(copy, sites->second);
    write_if_changed(target / file, copy);
  }
  for (const std::string& file : files_below(target))
    if (!files.contains(file)) fs::remove(target / file);
  write_if_changed(target / "planted_catalogue.cc", catalogue_source(text));
}

}  // namespace
}  // namespace gradproof

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: plant CATALOGUE SOURCE TARGET\n";
    return 64;
  }
  try {
    gradproof::plant_all(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
