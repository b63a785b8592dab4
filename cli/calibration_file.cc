#include "cli/calibration_file.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/outputs.h"
#include "ops/core/atomic_file.h"

namespace gradproof {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

std::filesystem::path calibration_file() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path base = cache != nullptr && *cache != '\0' ? std::filesystem::path(cache)
                                     : home != nullptr                  ? std::filesystem::path(home) / ".cache"
                                                                        : std::filesystem::temp_directory_path();
  return base / "gradproof" / "calibration.jsonl";
}

void keep_calibration(const Calibration& calibration) {
  const std::filesystem::path path = calibration_file();
  make_directory(path.parent_path());
  write_file(path, text_of(path) + line_of(calibration_record(calibration)) + "\n");
}

std::optional<Calibration> latest_calibration(const std::string& processor) {
  return latest_calibration_of(processor, text_of(calibration_file()));
}

std::optional<Calibration> latest_calibration_of(const std::string& processor, const std::string& text) {
  std::optional<Calibration> latest;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    try {
      Calibration calibration = calibration_of(record_of(line));
      if (calibration.processor == processor) latest = std::move(calibration);
    } catch (const nlohmann::json::exception&) {
      // A line that another version wrote, or somebody: it says nothing of this gate.
    }
  }
  return latest;
}

}  // namespace gradproof
