// Aligned memory.
#pragma once

#include <memory>

#include "ops/core/shape.h"

namespace gradproof {

struct FreeMemory {
  void operator()(void* memory) const;
};

template <class T>
using AlignedMemory = std::unique_ptr<T[], FreeMemory>;

// At least `bytes` bytes, not initialized. 64-byte aligned; from 2 MiB on huge pages, where the kernel grants them:
// 4 KiB pages alone cost 10 to 35% on 25 MB. Throws std::bad_alloc.
void* allocate_aligned(Index bytes);

// `count` zeros.
AlignedMemory<float> zeroed_floats(Index count);

}  // namespace gradproof
