#pragma once

#include <optional>
#include <string>

#include "reports/records.h"

namespace gradproof {

// What a record amounts to. A record that contradicts itself never counts in its own favour: a pass that compared
// nothing is a failure, a time without a verdict at its size is withheld.

struct Judged {
  Status status = Status::kFail;
  std::string reason;
};
Judged judge(const Check& check);

struct JudgedTiming {
  Outcome outcome = Outcome::kRefused;
  std::string reason;
};
JudgedTiming judge(const Timing& timing);

// A planted bug is wrong on purpose: it says something about the harness and nothing about an operation.
bool is_planted_bug(const Check& check);

// Checks of the truth against itself (fd, adjoint) have an accepted error, not a derived bound.
bool is_about_reference(const Check& check);

// The commands that repeat a row.
std::string repeat_command(const Check& check);
std::string repeat_command(const Timing& timing);

// Interquartile range over median for four samples or more, the full range below that; unknown under two.
std::optional<double> relative_spread(const Timing& timing);

}  // namespace gradproof
