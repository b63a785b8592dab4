// Records: one flat JSON object a line; reports and gate need nothing else. The schema is in reports/schema.md.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace gradproof {

inline constexpr int kRecordSchema = 1;

using Record = nlohmann::ordered_json;

inline Record make_record(std::string_view kind) { return {{"schema", kRecordSchema}, {"kind", kind}}; }

// Sets a number; JSON has no NaN or infinity, so those stay absent, which means "not known".
inline void set_number(Record& record, const char* key, double value) {
  if (std::isfinite(value)) record[key] = value;
}

// What ran where: processor, instruction sets, caches, compiler, flags, library versions, commit, time. `isas` are the
// instruction sets that the binary holds and the processor has, best first (supported_targets()); empty: not known.
Record environment_record(int threads, const std::vector<std::string>& isas = {});

}  // namespace gradproof
