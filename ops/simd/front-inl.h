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

  // Rows of `length` elements, `pitch` apart.
  struct Rows {
    Index count, length, pitch;
  };

  Front() = default;  // fetches nothing

  // Tiles 0, 1, ..., count - 1 of rows, which start at start_of(tile) of every tensor, in their order and from element
  // `first` of the first row on, for a kernel that sweeps over them `sweeps` times.
  Front(Tensors tensors, std::function<Index(Index)> start_of, Index count, const Rows& rows, Index first, int sweeps)
      : tensors_(tensors),
        start_of_(std::move(start_of)),
        count_(count),
        rows_(rows),
        granule_(kFetchGranule / sweeps),
        sweeps_once_(sweeps == 1),
        tile_(first / (rows.length * rows.count)),
        row_(first / rows.length % rows.count) {
    if (tile_ < count_) Enter(start_of_(tile_) + row_ * rows_.pitch, first % rows_.length);
  }

  // Called after, or for, each `count` elements of a sweep, of every sweep: a front that leaves ends of rows out falls
  // behind what is read.
  HWY_INLINE void operator()(Index count) {
    due_ += count;
    if (due_ >= kFetchGranule) Advance();
  }

 private:
  void Advance() {
    for (; due_ >= kFetchGranule; due_ -= kFetchGranule)
      for (Index left = granule_; left > 0 && tile_ < count_;) {
        const Index end = std::min(at_ + left, end_);
        for (const float* tensor : tensors_)
          for (Index i = tensor == nullptr ? end : at_; i < end; i += kLineFloats)
            sweeps_once_ ? PrefetchFar(tensor + i) : hwy::Prefetch(tensor + i);
        left -= end - at_;
        at_ = end;
        if (at_ == end_) NextRow();
      }
  }

  void NextRow() {
    if (++row_ < rows_.count) return Enter(end_ - rows_.length + rows_.pitch, 0);
    row_ = 0;
    if (++tile_ < count_) Enter(start_of_(tile_), 0);
  }

  // The row that starts at `start`, from element `first` on.
  void Enter(Index start, Index first) {
    at_ = start + first;
    end_ = start + rows_.length;
  }

  Tensors tensors_{};
  std::function<Index(Index)> start_of_;
  Index count_ = 0;
  Rows rows_{1, 1, 1};
  Index granule_ = kFetchGranule;  // elements to move on by
  // Sums alone take memory's whole rate. A set that is swept twice is wanted near, and from the last level's cache
  // comes near fast enough (Zen 4, 13 to 26 MB: 0.8 of the time that PrefetchFar takes forward).
  bool sweeps_once_ = false;
  Index tile_ = 0, row_ = 0;
  Index at_ = 0, end_ = 0;
  Index due_ = 0;  // elements of sweeps not yet moved on for
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_FRONT_INL_H
