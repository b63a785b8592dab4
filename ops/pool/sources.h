// Which elements along an axis a pool sums.
#pragma once

#include <span>
#include <vector>

#include "ops/pool/geometry.h"

namespace gradproof {

// For each target along an axis its sources in the order of taps: the inputs of a window, padding left out, or the
// windows over an input.
class Sources {
 public:
  static Sources inputs_of_windows(const PoolAxis& axis);
  static Sources windows_over_inputs(const PoolAxis& axis);

  std::span<const Index> of(Index target) const {
    const Index* all = all_.data();
    return {all + ends_[static_cast<size_t>(target)], all + ends_[static_cast<size_t>(target) + 1]};
  }

 private:
  // source(target, tap) is negative where there is none.
  template <class Source>
  Sources(Index targets, Index taps, const Source& source);

  std::vector<Index> all_;
  std::vector<Index> ends_;  // in all_, of targets -1, 0, 1, ...
};

}  // namespace gradproof
