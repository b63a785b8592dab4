#include "ops/pool/sources.h"

#include <algorithm>

namespace gradproof {

template <class Source>
Sources::Sources(Index targets, Index taps, Index step, const Source& source)
    : step_(step), ends_{0}, runs_(static_cast<size_t>(targets), 1) {
  for (Index target = 0; target < targets; ++target) {
    for (Index tap = 0; tap < taps; ++tap)
      if (const Index found = source(target, tap); found >= 0) all_.push_back(found);
    ends_.push_back(static_cast<Index>(all_.size()));
  }
  for (Index target = targets - 2; target >= 0; --target)
    if (continues(target)) runs_[static_cast<size_t>(target)] = run(target + 1) + 1;
}

bool Sources::continues(Index target) const {
  const auto moved = [&](Index here, Index next) { return next == here + step_; };
  return std::ranges::equal(of(target), of(target + 1), moved);
}

Sources Sources::inputs_of_windows(const PoolAxis& axis) {
  return {axis.out, axis.kernel, axis.stride, [&](Index window, Index tap) {
            const Index i = axis.input_of(window, tap);
            return axis.holds(i) ? i : -1;
          }};
}

Sources Sources::windows_over_inputs(const PoolAxis& axis) {
  return {axis.in, axis.kernel, 1, [&](Index i, Index tap) { return axis.window_of(i, tap); }};
}

}  // namespace gradproof
