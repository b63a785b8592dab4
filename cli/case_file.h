// Files of cases that once failed, one a line: "conv:mb=1,ic=1,iw=3,oc=1,kw=2  seed=7  # vjp:src simd: what was wrong".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ops/core/registry.h"

namespace gradproof {

struct KeptCase {
  std::string text;        // canonical
  std::uint64_t seed = 1;  // of its values; 1 where the line has none

  friend bool operator==(const KeptCase&, const KeptCase&) = default;
};

// Lines that are empty or a comment mean nothing. Throws UsageError naming file and line for what is no case and for a
// file that cannot be read or holds none.
std::vector<KeptCase> read_cases(const Registry& registry, const std::filesystem::path& path);

// The same for text at hand, which may hold none; `name` stands for the file in messages.
std::vector<KeptCase> parse_cases(const Registry& registry, const std::string& text, const std::string& name);

// A line with its line feed; what is told is put on one line.
std::string case_line(const KeptCase& kept, std::string_view why);

}  // namespace gradproof
