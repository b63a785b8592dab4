// What the Markdown, JUnit and HTML reports of a gate share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/gate_records.h"
#include "reports/records.h"

namespace gradproof {

enum class State;

struct GateSummary {
  bool present = false;  // whether there are records of a gate at all
  Ruling ruling = Ruling::kInvalid;
  std::string headline;                           // "Nothing is slower", "Slower", ...
  std::string brief;                              // "Slower (FAIL)."
  std::string sentence;                           // the headline and its numbers
  std::string reason;                             // why nothing was learned, where that is so
  std::string calibration;                        // how often the gate is wrong on this machine, a sentence
  std::vector<TimeChange> rows, pools, controls;  // the gravest first, then the slowest
  std::vector<ExactnessRecord> exactness;         // worse, gone, new, better
  std::optional<double> noise, detectable;
  std::size_t measured = 0;  // rows with a time
  std::size_t batches = 0, dropped = 0;

  State state() const;
  bool is_void() const;                    // what should stand still moved: the times say nothing
  std::size_t count(Ruling ruling) const;  // of rows
  std::size_t count(ExactnessTurn turn) const;
};

// `machine` is where it ran, for the sentence; may be empty.
GateSummary summarize_gate(const Records& records, const std::string& machine);

// By verdict, then the slower one.
bool graver(const TimeChange& a, const TimeChange& b);

// Whether the reader is asked to do something about it: FAIL, LESS_EXACT, TRADE.
bool is_failure(Ruling ruling);

// How loud the machine was, and what that lets be found.
std::string noise_sentence(const GateSummary& gate);

// Worse than the reviewed file, or without the value that it holds.
bool is_loss(const ExactnessRecord& record);

// "max_pool vjp:src", or "conv forward, mean of 4 rows".
std::string name_of(const TimeChange& row);

// "+5.5%", "+3.7% to +6.5%"; an en dash where it is not known.
std::string show_change(std::optional<double> part);
std::string show_interval(const TimeChange& row);
std::string show_launches(const std::vector<double>& parts);

}  // namespace gradproof
