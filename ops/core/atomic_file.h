// Files that are never half-written.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gradproof {

// Collects text in memory; commit() writes it to a temporary file beside the target and renames that. A run that fails
// or is killed before commit() therefore leaves nothing, and a target that is there already stays as it was.
// The constructor tries the target's directory, so that a mistake shows before the work and not after it. Symbolic
// links are followed; a device or pipe is written directly.
// The constructor and commit() throw UsageError naming the path when the target cannot be written.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view text) { text_ += text; }
  void commit();

 private:
  std::filesystem::path path_;       // as given: what messages name
  std::filesystem::path target_;     // links followed
  std::filesystem::path temporary_;  // the target itself when it is a device or pipe
  std::string text_;
};

// The whole text at once.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace gradproof
