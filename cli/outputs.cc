#include "cli/outputs.h"

#include <system_error>

#include "ops/core/error.h"

namespace gradproof {
namespace {

// The one name of a file, whether or not it is there yet.
std::filesystem::path identity_of(const std::filesystem::path& path) {
  return std::filesystem::weakly_canonical(std::filesystem::absolute(path));
}

}  // namespace

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || !std::filesystem::is_directory(directory))
    refuse("cannot make the directory '{}': {}; choose another place", directory.string(),
           error ? error.message() : "a file has its name");
}

void Outputs::announce(const std::filesystem::path& path) {
  if (path.empty()) return;
  for (const Output& output : outputs_)
    if (identity_of(output.path) == identity_of(path))
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
