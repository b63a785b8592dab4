// The kind of record that gradproof mutate writes (schema.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gradproof {

class Fields;

// A planted bug, and what became of it.
struct MutantRecord {
  std::string mutant, family, file, wrong;
  std::vector<std::string> operations;
  bool killed = false, reached = false;
  std::vector<std::string> oracles;  // that noticed it, on the first case on which one did
  std::string op, case_text, pass, impl, tier, shrunk, noticed, repro;
  std::optional<double> seconds;
};

// Throws ReportError.
MutantRecord read_mutant_record(const Fields& fields);

}  // namespace gradproof
