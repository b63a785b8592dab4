// The files that a subcommand will write: tried before the work, written after it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/atomic_file.h"

namespace gradproof {

// Creates the directory and its parents where missing. Throws UsageError naming it when it cannot.
void make_directory(const std::filesystem::path& directory);

// Files that are announced first; an empty path means that the file is not wanted.
class Outputs {
 public:
  // Throws UsageError when the file cannot be written, or when it was announced before.
  void announce(const std::filesystem::path& path);
  // Writes an announced file; nothing for an empty path.
  void write(const std::filesystem::path& path, std::string_view text);
  bool empty() const { return outputs_.empty(); }

 private:
  struct Output {
    std::filesystem::path path;
    std::unique_ptr<AtomicFile> file;
  };
  std::vector<Output> outputs_;
};

}  // namespace gradproof
