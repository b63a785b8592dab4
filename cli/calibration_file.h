// Where the gate's own error rates are kept, one record a calibration.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gate/calibration.h"

namespace gradproof {

// gradproof/calibration.jsonl in the user's cache directory (XDG_CACHE_HOME, or .cache at home).
std::filesystem::path calibration_file();

// Adds one; those of before stay. Throws UsageError when the file cannot be written.
void keep_calibration(const Calibration& calibration);

// The latest of this processor; none where there is no such file or line.
std::optional<Calibration> latest_calibration(const std::string& processor);

// The same for the text of such a file.
std::optional<Calibration> latest_calibration_of(const std::string& processor, const std::string& text);

}  // namespace gradproof
