// The file of calibrations: lines that are none are passed over, and what is read is kept as it is.
#include "cli/calibration_file.h"

#include <nlohmann/json.hpp>

#include "fuzzers/fuzzer.h"

namespace gradproof {
namespace {

constexpr const char* kProcessor = "p";

}  // namespace

void fuzz(std::string_view input) {
  const std::optional<Calibration> latest = latest_calibration_of(kProcessor, std::string(input));
  if (!latest) return;
  const std::string line = line_of(calibration_record(*latest));
  const std::optional<Calibration> again = latest_calibration_of(kProcessor, line);
  require(again && line_of(calibration_record(*again)) == line, "a calibration is kept as it is", line);
  require(!latest->to_text().empty(), "a calibration can be told");
}

}  // namespace gradproof
