// The switch between a planted bug and what is right. Included by planted sources alone, see planting.h.
#pragma once

#include <atomic>

namespace gradproof {

// The number of the bug that is switched on; 0: none. The environment variable GRADPROOF_MUTANT names one.
extern int chosen_mutant;
// Set where the chosen bug is reached: one that never is cannot be noticed.
extern std::atomic<bool>* mutant_trace;

}  // namespace gradproof

inline bool gradproof_mutant(int number) {
  if (gradproof::chosen_mutant != number) [[likely]]
    return false;
  gradproof::mutant_trace->store(true, std::memory_order_relaxed);
  return true;
}
