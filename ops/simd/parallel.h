// The one place that starts threads.
#pragma once

#include <functional>

#include "ops/core/shape.h"

namespace gradproof {

// Calls body(0) ... body(count - 1), each exactly once, on up to `threads` threads, and returns when all are done.
// Tiles are handed out in contiguous runs of equal length. Results must not depend on which thread runs which tile:
// then they have the same bits for every number of threads. With one thread, or one tile, nothing is started.
void parallel_tiles(int threads, Index count, const std::function<void(Index)>& body);

}  // namespace gradproof
