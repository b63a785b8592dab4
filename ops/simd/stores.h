// How output reaches memory.
#pragma once

#include <cstddef>

#include "ops/core/shape.h"

namespace gradproof {

inline constexpr Index kLineFloats = 16;  // of a cache line

// Streaming stores skip the cache: an output larger than that would be evicted anyway, and its lines need not be read
// first, which is worth up to twice the speed.
enum class Stores { kCached, kStreaming };

// What pays for a kernel that reads and writes `bytes`: streaming beyond 3/8 of the last-level cache. Copies within one
// of 32 MiB (Zen 3) run at 58 GB/s cached and 46 streaming up to 8 MiB, at 46 either way at 12 MiB, and at 21 and 43
// at 20 MiB. Where the system does not tell the size, 8 MiB are assumed. More than 64 MiB belong to a socket, whose
// cores share them and reach them slowly: they count as 16 MiB (300 MiB of Emerald Rapids, one core, cached and
// streaming: 27 and 21 GB/s at 3 MB, 17 and 18 at 6 MB, 13 and 18 at 16 MB, 10 and 25 at 64 MB).
Stores stores_for(std::size_t bytes);

// Whether a tensor of `bytes` has to come from memory each time that it is read: by the same measure.
bool exceeds_caches(std::size_t bytes);
// Whether it is larger than the whole last level is good for, a socket's counted in full.
bool exceeds_last_level(std::size_t bytes);
// Whether it is too large for the L2 cache; of unknown size that counts as 512 KiB.
bool exceeds_l2(std::size_t bytes);

}  // namespace gradproof
