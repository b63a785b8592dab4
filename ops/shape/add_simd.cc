#include "ops/shape/add_simd.h"

#include <array>
#include <functional>

#include "ops/shape/add.h"
#include "ops/shape/copies.h"
#include "ops/shape/features.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/shape/add_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/block_sums-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Axes of a tensor, outermost first, and the distances of neighbours along them in a dense tensor that has more axes.
struct Walk {
  std::vector<Index> sizes, pitches;

  void add(Index size, Index pitch) {
    sizes.push_back(size);
    pitches.push_back(pitch);
  }
  Index count() const {
    Index count = 1;
    for (Index size : sizes) count *= size;
    return count;
  }
  // Where element `number`, in row-major order, lies.
  Index place(Index number) const {
    Index place = 0;
    for (size_t axis = sizes.size(); axis-- > 0; number /= sizes[axis]) place += number % sizes[axis] * pitches[axis];
    return place;
  }
};

// A dense tensor's axes that are repeated, and those that are not, with its distances.
Walk AxesThat(bool are_repeated, const BroadcastAxes& axes) {
  Walk walk;
  Index pitch = 1;
  for (const BroadcastAxis& axis : axes) pitch *= axis.size;
  for (const BroadcastAxis& axis : axes) {
    pitch /= axis.size;
    if (axis.repeated == are_repeated) walk.add(axis.size, pitch);
  }
  return walk;
}

// All but the innermost axis, with the distances of `other`.
Walk RowsOfOther(const BroadcastAxes& axes) {
  Walk walk;
  Index pitch = 1;
  for (const BroadcastAxis& axis : axes) pitch *= axis.repeated ? 1 : axis.size;
  for (const BroadcastAxis& axis : axes) {
    if (!axis.repeated) pitch /= axis.size;
    walk.add(axis.size, axis.repeated ? 0 : pitch);
  }
  walk.sizes.pop_back();
  walk.pitches.pop_back();
  return walk;
}

struct AddBoth {
  template <class V>
  HWY_ATTR V operator()(V a, V b) const {
    return hn::Add(a, b);
  }
};

struct AddNumber {
  float number;
  template <class V>
  HWY_ATTR V operator()(V a) const {
    return hn::Add(a, hn::Set(hn::DFromV<V>(), number));
  }
};

// Row by row: runs along the innermost axis, in which other is one number or a run itself.
class AddForward final : public Kernel {
 public:
  AddForward(const BroadcastAxes& axes, Index other_count, int threads)
      : rows_(RowsOfOther(axes)),
        row_count_(rows_.count()),
        length_(axes.back().size),
        repeated_(axes.back().repeated),
        threads_(threads) {
    const Index moved = 2 * row_count_ * length_ + other_count;
    if (length_ >= kLongRow) stores_ = stores_for(static_cast<size_t>(moved) * sizeof(float));
  }

  void run(std::span<const TensorRef> arguments) override {
    const float *src = arguments[0].floats(), *other = arguments[1].floats();
    float* dst = arguments[2].floats();
    const Index pieces = (length_ + kTile - 1) / kTile, group = std::max<Index>(1, kTile / length_);
    const auto tile = [&](Index index) {
      const Index first = index / pieces * group, start = index % pieces * kTile;
      const auto count = static_cast<size_t>(std::min(kTile, length_ - start));
      for (Index row = first; row < std::min(first + group, row_count_); ++row) {
        const Index at = row * length_ + start;
        const float* addend = other + rows_.place(row);
        if (repeated_)
          Map(AddNumber{*addend}, stores_, count, dst + at, src + at);
        else
          Map(AddBoth(), stores_, count, dst + at, src + at, addend + start);
      }
      hwy::FlushStream();
    };
    parallel_tiles(threads_, (row_count_ + group - 1) / group * pieces, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kTile = Index{64} << 10;
  static constexpr Index kLongRow = 1024;

  const Walk rows_;  // of other
  const Index row_count_, length_;
  const bool repeated_;
  const int threads_;
  Stores stores_ = Stores::kCached;
};

// Sums in double, in the order of the elements, whatever the instruction set. The innermost axis is kept: columns.
class SumOfRows final : public Kernel {
 public:
  SumOfRows(const BroadcastAxes& axes, int threads)
      : kept_(AxesThat(false, axes)),
        summed_(AxesThat(true, axes)),
        length_(kept_.sizes.back()),
        rows_(kept_.count() / length_),
        threads_(threads) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[2].floats();
    float* diff_other = arguments[3].floats();
    const Index pieces = (length_ + kColumns - 1) / kColumns, terms = summed_.count();
    const auto tile = [&](Index index) {
      const Index first = index / pieces * length_ + index % pieces * kColumns;
      const Index count = std::min(kColumns, length_ - index % pieces * kColumns);
      const float* from = diff_dst + kept_.place(first);
      std::array<double, kColumns> sums{};
      for (Index term = 0; term < terms; ++term) AddTo(sums.data(), from + summed_.place(term), count);
      for (Index i = 0; i < count; ++i) diff_other[first + i] = static_cast<float>(sums[static_cast<size_t>(i)]);
    };
    parallel_tiles(threads_, rows_ * pieces, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kColumns = 1024;  // 8 KiB of sums

  static void AddTo(double* HWY_RESTRICT sums, const float* HWY_RESTRICT from, Index count) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> df;
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    Index i = 0;
    for (; i + lanes <= count; i += lanes)
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::PromoteTo(d, hn::LoadU(df, from + i))), d, sums + i);
    for (; i < count; ++i) sums[i] += static_cast<double>(from[i]);
  }

  const Walk kept_, summed_;
  const Index length_, rows_;
  const int threads_;
};

// The innermost axis is summed: runs, of which those at equal distances go together.
class SumOfRuns final : public Kernel {
 public:
  SumOfRuns(const BroadcastAxes& axes, int threads)
      : kept_(AxesThat(false, axes)), outer_(AxesThat(true, axes)), threads_(threads) {
    run_.length = outer_.sizes.back();
    drop_innermost();
    if (!outer_.sizes.empty()) {
      run_.segments = outer_.sizes.back();
      run_.pitch = outer_.pitches.back();
      drop_innermost();
    }
    group_ = std::max<Index>(1, kTile / run_.count());
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[2].floats();
    float* diff_other = arguments[3].floats();
    const Index count = kept_.count(), terms = outer_.count();
    const auto tile = [&](Index index) {
      for (Index i = index * group_; i < std::min(count, (index + 1) * group_); ++i) {
        const float* from = diff_dst + kept_.place(i);
        double sum = 0;
        for (Index term = 0; term < terms; ++term) sum += ChannelTotal(run_, from + outer_.place(term));
        diff_other[i] = static_cast<float>(sum);
      }
    };
    parallel_tiles(threads_, (count + group_ - 1) / group_, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kTile = Index{64} << 10;

  void drop_innermost() {
    outer_.sizes.pop_back();
    outer_.pitches.pop_back();
  }

  const Walk kept_;
  Walk outer_;
  Channel run_;
  Index group_ = 1;
  const int threads_;
};

std::unique_ptr<Kernel> PrepareAdd(const BroadcastAxes& axes, Index other_count, const Pass& pass, int threads) {
  if (pass.is_forward()) return std::make_unique<AddForward>(axes, other_count, threads);
  if (axes.back().repeated) return std::make_unique<SumOfRuns>(axes, threads);
  return std::make_unique<SumOfRows>(axes, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareAdd);

namespace {

bool adds_up(const Case& c) {
  const BroadcastAxes axes = broadcast_axes(c.attributes);
  return std::any_of(axes.begin(), axes.end(), [](const BroadcastAxis& axis) { return axis.repeated; });
}

std::unique_ptr<Kernel> prepare_add(const Case& c, const Pass& pass, const PrepareOptions& options) {
  if (pass.slot == "src" || (pass.slot == "other" && !adds_up(c)))  // copies diff_dst
    return prepare_copies({{.from = 2, .to = 3, .length = feature_count(c.attributes)}}, options.threads);
  const Index other_count = element_count(*c.spec->find_slot("other")->shape(c.attributes));
  return HWY_DYNAMIC_DISPATCH(PrepareAdd)(broadcast_axes(c.attributes), other_count, pass, options.threads);
}

double add_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  if (pass.is_forward()) return 1;
  return pass.slot == "other" && adds_up(c) ? 1 + kSumDepth : 0;
}

}  // namespace

std::vector<Implementation> add_simd_implementations() {
  return simd_implementations({.prepare = prepare_add, .depth = add_simd_depth});
}

}  // namespace gradproof
#endif
