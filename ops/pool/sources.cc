#include "ops/pool/sources.h"

namespace gradproof {

template <class Source>
Sources::Sources(Index targets, Index taps, const Source& source) : ends_{0} {
  for (Index target = 0; target < targets; ++target) {
    for (Index tap = 0; tap < taps; ++tap)
      if (const Index found = source(target, tap); found >= 0) all_.push_back(found);
    ends_.push_back(static_cast<Index>(all_.size()));
  }
}

Sources Sources::inputs_of_windows(const PoolAxis& axis) {
  return {axis.out, axis.kernel, [&](Index window, Index tap) {
            const Index i = axis.input_of(window, tap);
            return axis.holds(i) ? i : -1;
          }};
}

Sources Sources::windows_over_inputs(const PoolAxis& axis) {
  return {axis.in, axis.kernel, [&](Index i, Index tap) { return axis.window_of(i, tap); }};
}

}  // namespace gradproof
