#include "ops/core/record.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace gradproof {

Record make_record(std::string_view kind) { return {{"schema", kRecordSchema}, {"kind", kind}}; }

void set_number(Record& record, const char* key, double value) {
  if (std::isfinite(value)) record[key] = value;
}

std::string line_of(const Record& record) { return record.dump(-1, ' ', false, Record::error_handler_t::replace); }

Record record_of(std::string_view line) {
  return Record::parse(line, [](int depth, Record::parse_event_t, const Record&) {
    if (depth > kDeepestRecord) throw Record::other_error::create(501, "values are nested too deep", nullptr);
    return true;
  });
}

int count_of(const Record& value) {
  if (!value.is_number_integer() || value < 0 || value > std::numeric_limits<int>::max())
    throw Record::type_error::create(302, "a count is no whole number", nullptr);
  return value.get<int>();
}

int count_at(const Record& record, const char* key) { return count_of(record.value(key, Record(0))); }

}  // namespace gradproof
