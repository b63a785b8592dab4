#include "ops/simd/parallel.h"

#include <omp.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace gradproof {
namespace {

// libgomp is not instrumented: ThreadSanitizer does not see its fork and join, so they are told to it.
char fork_point;
char join_point;

void release([[maybe_unused]] char* point) {
#ifdef __SANITIZE_THREAD__
  __tsan_release(point);
#endif
}

void acquire([[maybe_unused]] char* point) {
#ifdef __SANITIZE_THREAD__
  __tsan_acquire(point);
#endif
}

}  // namespace

void parallel_tiles(int threads, Index count, const std::function<void(Index)>& body) {
  if (threads <= 1 || count <= 1) {
    for (Index tile = 0; tile < count; ++tile) body(tile);
    return;
  }
  release(&fork_point);
#pragma omp parallel num_threads(threads)
  {
    acquire(&fork_point);
    const Index team = omp_get_num_threads();
    const Index rank = omp_get_thread_num();
    for (Index tile = count * rank / team; tile < count * (rank + 1) / team; ++tile) body(tile);
    release(&join_point);
  }
  acquire(&join_point);
}

}  // namespace gradproof
