// What a run ends with on the terminal: failures with the line that repeats them, and tables.
#pragma once

#include "cli/console.h"
#include "reports/records.h"

namespace gradproof {

// A failed check: what, where, expected and got, and the command that repeats it.
void print_failure(Console& console, const Check& check);

// One row an operation, and the verdict sentence.
void print_summary(Console& console, const Records& records);

// One row a timing; nothing when there are none.
void print_timings(Console& console, const Records& records);
// The same as a line of its own.
std::string timing_text(const Timing& timing);
// "12 timings, each verified at its own size; 0 withheld; 1 skipped".
std::string measured_text(const Records& records);

}  // namespace gradproof
