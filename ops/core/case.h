// Case: an operation with its attributes. Its text is the one identity everywhere: file line, test name, benchmark
// name, repro line and record key.
#pragma once

#include <string>

#include "ops/core/spec.h"

namespace gradproof {

struct Case {
  const Spec* spec = nullptr;  // owned by the Registry
  Attributes attributes;

  // "op:key=value,..."; parse_case(registry, to_text()) gives an equal case.
  std::string to_text() const;

  friend bool operator==(const Case& a, const Case& b) { return a.spec == b.spec && a.attributes == b.attributes; }
};

// Parses the part behind "op:" and validates. Throws UsageError, also for a tensor of 2^31 elements or more.
Case make_case(const Spec& spec, std::string_view attributes);

}  // namespace gradproof
