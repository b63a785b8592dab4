#include "ops/core/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace gradproof {

void FreeMemory::operator()(void* memory) const { std::free(memory); }

void* allocate_aligned(Index bytes) {
  constexpr Index kHugePage = Index{2} << 20;
  const Index alignment = bytes >= kHugePage ? kHugePage : 64;
  const Index total = (std::max<Index>(bytes, 1) + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(static_cast<size_t>(alignment), static_cast<size_t>(total));
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage) madvise(memory, static_cast<size_t>(total), MADV_HUGEPAGE);  // advice: may be refused
  return memory;
}

AlignedMemory<float> zeroed_floats(Index count) {
  AlignedMemory<float> memory(static_cast<float*>(allocate_aligned(count * Index{sizeof(float)})));
  std::fill_n(memory.get(), count, 0.0F);
  return memory;
}

}  // namespace gradproof
