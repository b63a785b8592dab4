#include "ops/core/atomic_file.h"

#include <unistd.h>

#include <fstream>
#include <system_error>

#include "ops/core/error.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

fs::path link_followed(const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::is_symlink(path, error) ? fs::weakly_canonical(path, error) : path;
  return error ? path : target;
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), target_(link_followed(path_)), temporary_(target_) {
  std::error_code ignored;
  const fs::file_status status = fs::status(target_, ignored);
  if (path_.empty()) refuse("cannot write a file without a name; name a file");
  if (fs::is_directory(status)) refuse("cannot write '{}': it is a directory; name a file", path_.string());
  // Replacing a file asks only the directory; a file protected against writing is meant to stay all the same.
  if (fs::exists(status) && access(target_.c_str(), W_OK) != 0)
    refuse("cannot write '{}': it is protected against writing; name another file", path_.string());
  if (fs::exists(status) && !fs::is_regular_file(status)) return;
  temporary_ += fmt::format(".{}.tmp", getpid());
  if (!std::ofstream(temporary_))
    refuse("cannot write '{}': its directory does not exist or is not writable; name another place", path_.string());
  fs::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  std::ofstream stream(temporary_, std::ios::binary | std::ios::trunc);
  stream.write(text_.data(), static_cast<std::streamsize>(text_.size()));
  stream.close();
  if (temporary_ == target_) {
    if (!stream) refuse("cannot write '{}': it takes no more; choose another place", path_.string());
    return;
  }
  std::error_code error;
  if (stream) fs::rename(temporary_, target_, error);
  if (stream && !error) return;
  std::error_code ignored;
  fs::remove(temporary_, ignored);
  refuse("cannot write '{}': {}; free some space or choose another place", path_.string(),
         error ? error.message() : "the disk is full");
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace gradproof
