// Fetching from memory what a thread reads next, in step with what it computes.

#if defined(GRADPROOF_FRONT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_FRONT_INL_H
#undef GRADPROOF_FRONT_INL_H
#else
#define GRADPROOF_FRONT_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// A kernel that sweeps twice over what it reads, to sum it up and to map it, would leave memory idle whenever it works
// on what is in the cache, and reading and writing would take turns. A front moves on by as much in either sweep, half
// a set ahead of the first one, so that memory reads all the time.
class Front {
 public:
  // Tensors that are read at the same places; the second may be missing.
  using Tensors = std::array<const float*, 2>;

  Front() = default;  // fetches nothing

  // Runs 0, 1, ..., count - 1 of `length` elements, which start at start_of(run) of every tensor, in their order and
  // from element `first` of run 0 on, for a kernel that sweeps over them `sweeps` times.
  Front(Tensors tensors, std::function<Index(Index)> start_of, Index count, Index length, Index first, int sweeps)
      : tensors_(tensors),
        start_of_(std::move(start_of)),
        count_(count),
        length_(length),
        sweeps_(sweeps),
        run_(first / length) {
    if (run_ < count_) Enter(first % length);
  }

  // Called after, or for, each `count` elements of a sweep, of every sweep: a front that leaves ends of rows out falls
  // behind what is read.
  void operator()(Index count) {
    for (due_ += count; run_ < count_ && due_ >= sweeps_;) {
      const Index end = std::min(at_ + due_ / sweeps_, end_);
      for (const float* tensor : tensors_)
        for (Index i = tensor == nullptr ? end : at_; i < end; i += kLineFloats) hwy::Prefetch(tensor + i);
      due_ -= (end - at_) * sweeps_;
      at_ = end;
      if (at_ == end_ && ++run_ < count_) Enter(0);
    }
  }

 private:
  void Enter(Index first) {
    at_ = start_of_(run_) + first;
    end_ = at_ + length_ - first;
  }

  Tensors tensors_{};
  std::function<Index(Index)> start_of_;
  Index count_ = 0, length_ = 1, sweeps_ = 1, run_ = 0;
  Index at_ = 0, end_ = 0;  // in it
  Index due_ = 0;           // elements of sweeps not yet moved on for
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_FRONT_INL_H
