// Records: one flat JSON object a line; reports and gate need nothing else. The schema is in reports/schema.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace gradproof {

inline constexpr int kRecordSchema = 1;
// How deep values may be nested. The schema needs three; without an end, whoever writes one overflows the stack.
inline constexpr int kDeepestRecord = 16;

// Who looks inside one includes <nlohmann/json.hpp>, which costs 3 s a file.
using Record = nlohmann::ordered_json;

Record make_record(std::string_view kind);

// Sets a number; JSON has no NaN or infinity, so those stay absent, which means "not known".
void set_number(Record& record, const char* key, double value);

// One line of text without its line break, and back. Texts are UTF-8: bytes that are not (of a file's name, of
// somebody's answer) become U+FFFD. The second throws nlohmann::json::exception for text that is not JSON, or
// is nested too deep.
std::string line_of(const Record& record);
Record record_of(std::string_view line);

// A whole number from 0 to 2^31 - 1. Throws nlohmann::json::exception for anything else.
int count_of(const Record& value);
// The same under a key; 0 where it is not there.
int count_at(const Record& record, const char* key);

// What ran where: processor, instruction sets, caches, compiler, flags, library versions, commit, time. `isas` are the
// instruction sets that the binary holds and the processor has, best first (supported_targets()); empty: not known.
Record environment_record(int threads, const std::vector<std::string>& isas = {});

}  // namespace gradproof
