// A records file: files are merged by concatenation, and a line survives being read and written.
#include "reports/records.h"

#include <nlohmann/json.hpp>

#include "fuzzers/fuzzer.h"
#include "ops/core/record.h"

namespace gradproof {
namespace {

size_t count_of(const Records& r) {
  return r.environments.size() + r.oracles.size() + r.checks.size() + r.timings.size() + r.roofs.size() +
         r.time_changes.size() + r.gate_runs.size() + r.exactness.size() + r.calibrations.size() + r.mutants.size();
}

void fuzz_line(std::string_view line) {
  Record record;
  if (!takes<nlohmann::json::exception>([&] { record = record_of(line); }, "json.exception")) return;
  const std::string written = line_of(record);
  require(written.find('\n') == std::string::npos && line_of(record_of(written)) == written, "a line is its record",
          written);
}

}  // namespace

void fuzz(std::string_view input) {
  fuzz_line(input.substr(0, input.find('\n')));
  // Whatever a text holds can be told in a record.
  Record told = make_record("check");
  told["reason"] = std::string(input);
  require(record_of(line_of(told)).is_object(), "any text can be told");

  Records once, twice;
  const std::string text = std::string(input) + "\n";
  if (!takes<ReportError>([&] { parse_records(text, kFuzzedFile, once); })) return;
  parse_records(text + text, kFuzzedFile, twice);
  require(count_of(once) > 0 && count_of(twice) == 2 * count_of(once), "files are merged by concatenation", text);
}

}  // namespace gradproof
