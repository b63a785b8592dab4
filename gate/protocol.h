// The words of protocol.md, which both ends share.
#pragma once

#include <string>

namespace gradproof {

inline constexpr int kGateProtocol = 1;
// A planted slowdown of this much makes a batch last eleven times as long.
inline constexpr double kMostHandicap = 10;

// What is timed: one pass of one case by one implementation, on one thread.
struct RowKey {
  std::string case_text, pass, impl = "simd";

  bool is_canary() const { return case_text.starts_with("canary:"); }
  std::string to_text() const { return is_canary() ? case_text : case_text + " " + pass; }
  auto operator<=>(const RowKey&) const = default;
};

// Code that no commit changes, timed like a row: what moves it is not the candidate.
inline const RowKey kFmaCanary{"canary:fma", "forward", "canary"};
inline const RowKey kTriadCanary{"canary:triad", "forward", "canary"};

}  // namespace gradproof
