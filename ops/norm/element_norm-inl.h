// What normalizations with gamma and beta for an element share: samples in runs, swept over twice.

#if defined(GRADPROOF_ELEMENT_NORM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_ELEMENT_NORM_INL_H
#undef GRADPROOF_ELEMENT_NORM_INL_H
#else
#define GRADPROOF_ELEMENT_NORM_INL_H
#endif

#include <functional>
#include <vector>

#include "ops/core/case.h"
#include "ops/core/implementation.h"
#include "ops/norm/sample_norm.h"
#include "ops/simd/block_sums-inl.h"
#include "ops/simd/front-inl.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A run of elements of one sample, which is the same run of gamma and beta.
struct SampleRun {
  Index sample, begin, length, number;
};

// Samples in runs: sums of each run, merged in order, then a map of each run. Where there is a sample for every thread,
// a sample goes through all three at once, and the map finds it in the L2 cache; else the runs are shared out, and the
// bits are the same.
class ElementNorm : public Kernel {
 public:
  ElementNorm(const SampleNormAttributes& a, const Case& c, const Pass& pass, int threads)
      : sets_(a.sets),
        names_(arguments_of(*c.spec, c.attributes, pass)),
        src_(Find("src")),
        gamma_(Find("gamma")),
        threads_(a.sets.total() < kSerial ? 1 : threads) {
    const Index bytes = sets_.total() * static_cast<Index>(sizeof(float)) * (pass.is_forward() ? 2 : 3);
    stores_ = stores_for(static_cast<size_t>(bytes));
    from_memory_ = exceeds_last_level(static_cast<size_t>(bytes));
  }

  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  static constexpr Index kRun = 4 * kSumBlockSize;

  int Find(std::string_view name) const { return argument_index(names_, name); }
  Index RunsASample() const { return (sets_.count() + kRun - 1) / kRun; }
  SampleRun RunOf(Index number) const {
    const Index sample = number / RunsASample(), begin = number % RunsASample() * kRun;
    return {sample, begin, std::min(kRun, sets_.count() - begin), number};
  }
  void Parallel(Index tiles, const std::function<void(Index)>& tile) const { parallel_tiles(threads_, tiles, tile); }

  // sum(run, front) for all runs of a sample, then merge(sample), then map(run, front) for all of them; they read
  // `tensors` of src's shape.
  template <class Sum, class Merge, class MapRun>
  void Sweep(Front::Tensors tensors, const Sum& sum, const Merge& merge, const MapRun& map) const {
    const Index runs = RunsASample();
    const auto share = [&](Index thread) {
      const Index first = sets_.mb * thread / threads_, end = sets_.mb * (thread + 1) / threads_;
      Front front = FrontOver(tensors, first * sets_.count(), (end - first) * sets_.count(), sets_.count() / 2, 2);
      for (Index n = first; n < end; ++n) {
        for (Index i = 0; i < runs; ++i) sum(RunOf(n * runs + i), front);
        merge(n);
        for (Index i = 0; i < runs; ++i) map(RunOf(n * runs + i), front);
      }
      hwy::FlushStream();
    };
    if (sets_.mb >= threads_) return Parallel(threads_, std::cref(share));
    const auto sum_run = [&](Index number) {
      Front none;
      sum(RunOf(number), none);
    };
    const auto map_run = [&](Index number) {
      Front none;
      map(RunOf(number), none);
      hwy::FlushStream();
    };
    Parallel(sets_.mb * runs, std::cref(sum_run));
    for (Index n = 0; n < sets_.mb; ++n) merge(n);
    Parallel(sets_.mb * runs, std::cref(map_run));
  }

  // map(run, front) for all runs of all samples, which are `tensors` of src's shape.
  template <class MapRun>
  void MapAll(Front::Tensors tensors, const MapRun& map) const {
    const Index runs = sets_.mb * RunsASample();
    const auto begin_of = [&](Index number) {
      return number < runs ? RunOf(number).sample * sets_.count() + RunOf(number).begin : sets_.total();
    };
    const auto share = [&](Index thread) {
      const Index first = runs * thread / threads_, end = runs * (thread + 1) / threads_;
      Front front = FrontOver(tensors, begin_of(first), begin_of(end) - begin_of(first), kPrefetchAhead, 1);
      for (Index number = first; number < end; ++number) map(RunOf(number), front);
      hwy::FlushStream();
    };
    Parallel(threads_, std::cref(share));
  }

  // For `sweeps` over a run of each sample, that many elements from `begin` on, `ahead` of it.
  Front FrontAcross(Front::Tensors tensors, Index begin, Index length, Index ahead, int sweeps) const {
    return {tensors, [begin](Index) { return begin; }, 1, {sets_.mb, length, sets_.count()}, ahead, sweeps};
  }

  static const float* Tensor(std::span<const TensorRef> arguments, int index) {
    return arguments[static_cast<size_t>(index)].floats();
  }
  // Where a run lies in a tensor of src's shape, and in one of gamma's.
  float* Data(std::span<const TensorRef> arguments, int index, const SampleRun& run) const {
    return arguments[static_cast<size_t>(index)].floats() + run.sample * sets_.count() + run.begin;
  }
  static float* Parameters(std::span<const TensorRef> arguments, int index, const SampleRun& run) {
    return arguments[static_cast<size_t>(index)].floats() + run.begin;
  }
  static float& OfSample(std::span<const TensorRef> arguments, int index, Index sample) {
    return arguments[static_cast<size_t>(index)].floats()[sample];
  }
  template <class F, class... In>
  void MapOver(Front& front, const SampleRun& run, const F& f, float* out, const In*... in) const {
    MapFetching(front, f, stores_, static_cast<size_t>(run.length), out, in...);
  }

  const NormSets sets_;
  const std::vector<Argument> names_;
  const int src_, gamma_;
  const int threads_;
  bool from_memory_;  // whether tensors are read from there each time

 private:
  // For `sweeps` over each of `count` elements that begin at `begin`, `ahead` of them.
  Front FrontOver(Front::Tensors tensors, Index begin, Index count, Index ahead, int sweeps) const {
    if (stores_ != Stores::kStreaming) return {};
    return {tensors, [begin](Index) { return begin; }, 1, {1, count, 0}, ahead, sweeps};
  }

  static constexpr Index kSerial = 32768;  // elements: some 10 microseconds
  Stores stores_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ELEMENT_NORM_INL_H
