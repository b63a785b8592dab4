#include "cli/outputs.h"

#include <system_error>

#include "ops/core/error.h"

namespace gradproof {

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || !std::filesystem::is_directory(directory))
    refuse("cannot make the directory '{}': {}; choose another place", directory.string(),
           error ? error.message() : "a file has its name");
}

void Outputs::announce(const std::filesystem::path& path) {
  if (path.empty()) return;
  const auto same = std::filesystem::weakly_canonical(path);
  for (const Output& output : outputs_)
    if (std::filesystem::weakly_canonical(output.path) == same)
      refuse("'{}' is named for two outputs; give each a file of its own", path.string());
  outputs_.push_back({path, std::make_unique<AtomicFile>(path)});
}

void Outputs::write(const std::filesystem::path& path, std::string_view text) {
  for (const Output& output : outputs_) {
    if (output.path != path) continue;
    output.file->write(text);
    output.file->commit();
  }
}

}  // namespace gradproof
