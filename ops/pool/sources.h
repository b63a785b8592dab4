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

  // How many targets, from this one on, have its sources, each moved by step() from one target to the next.
  Index run(Index target) const { return runs_[static_cast<size_t>(target)]; }
  Index step() const { return step_; }

 private:
  // source(target, tap) is negative where there is none.
  template <class Source>
  Sources(Index targets, Index taps, Index step, const Source& source);
  bool continues(Index target) const;  // whether the next one has its sources, moved

  Index step_;
  std::vector<Index> all_;
  std::vector<Index> ends_;  // in all_, of targets -1, 0, 1, ...
  std::vector<Index> runs_;
};

}  // namespace gradproof
