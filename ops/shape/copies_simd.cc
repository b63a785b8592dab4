#include <functional>

#include "ops/shape/copies.h"
#include "ops/simd/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/shape/copies_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

class CopiesKernel final : public Kernel {
 public:
  CopiesKernel(std::vector<CopiedRuns> copies, int threads) : copies_(std::move(copies)), threads_(threads) {
    Index moved = 0, shortest = copies_.front().length;
    for (const CopiedRuns& copy : copies_) {
      moved += copy.runs * copy.length;
      shortest = std::min(shortest, copy.length);
    }
    // The ends of short runs are parts of cache lines, which streaming does not like.
    if (shortest >= kLongRun) stores_ = stores_for(static_cast<size_t>(moved) * 2 * sizeof(float));
  }

  void run(std::span<const TensorRef> arguments) override {
    for (const CopiedRuns& copy : copies_) {
      const float* from = arguments[copy.from].floats() + copy.from_first;
      float* to = arguments[copy.to].floats() + copy.to_first;
      const Index pieces = (copy.length + kTile - 1) / kTile;       // of a run,
      const Index group = std::max<Index>(1, kTile / copy.length);  // or runs in a tile
      const Index tiles = (copy.runs + group - 1) / group * pieces;
      const auto tile = [&](Index index) {
        const Index first = index / pieces * group, start = index % pieces * kTile;
        const auto count = static_cast<size_t>(std::min(kTile, copy.length - start));
        for (Index r = first; r < std::min(first + group, copy.runs); ++r)
          Map(Copy(), stores_, count, to + r * copy.to_pitch + start, from + r * copy.from_pitch + start);
        hwy::FlushStream();
      };
      parallel_tiles(threads_, tiles, std::cref(tile));
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kTile = Index{64} << 10;
  static constexpr Index kLongRun = 1024;

  const std::vector<CopiedRuns> copies_;
  const int threads_;
  Stores stores_ = Stores::kCached;
};

std::unique_ptr<Kernel> PrepareCopies(std::vector<CopiedRuns> copies, int threads) {
  return std::make_unique<CopiesKernel>(std::move(copies), threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareCopies);

std::unique_ptr<Kernel> prepare_copies(std::vector<CopiedRuns> copies, int threads) {
  return HWY_DYNAMIC_DISPATCH(PrepareCopies)(std::move(copies), threads);
}

}  // namespace gradproof
#endif
