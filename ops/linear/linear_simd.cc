#include "ops/linear/linear_simd.h"

#include "ops/core/memory.h"
#include "ops/linear/linear.h"
#include "ops/simd/dot.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/linear/linear_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/linear/linear_products-inl.h"
#include "ops/simd/dot-inl.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/outer_kernel-inl.h"
#include "ops/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Up to this many samples rows of weights are read and written as they lie (4096 to 4096 features, one sample, Zen 3: a
// quarter of the time of columns); beyond, a chunk of columns has too few vectors.
constexpr Index kRowsBatch = 32;
static_assert(kRowsBatch <= kMostDepth, "LinearProducts sums in one block");

std::vector<std::int32_t> Multiples(Index count, Index step) {
  std::vector<std::int32_t> table;
  for (Index i = 0; i < count; ++i) table.push_back(static_cast<std::int32_t>(i * step));
  return table;
}

// Forward for a few samples: weights are read once, and that is what it costs.
class LinearDot final : public Kernel {
 public:
  LinearDot(const LinearAttributes& a, int threads) : attributes_(a), threads_(threads) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto& a = attributes_;
    const float* src = arguments[0].floats();
    const float* weights = arguments[1].floats();
    const float* bias = a.bias ? arguments[2].floats() : nullptr;
    float* dst = arguments.back().floats();
    parallel_tiles(threads_, (a.oc + kDotRows - 1) / kDotRows, [&](Index block) {
      const Index first = block * kDotRows;
      const Index rows = std::min(kDotRows, a.oc - first);
      for (Index n = 0; n < a.mb; ++n) {
        float sums[kDotRows];
        Dots(weights + first * a.ic, a.ic, rows, src + n * a.ic, a.ic, sums);
        for (Index row = 0; row < rows; ++row)
          dst[n * a.oc + first + row] = bias == nullptr ? sums[row] : sums[row] + bias[first + row];
      }
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  LinearAttributes attributes_;
  int threads_;
};

// Forward: output features are the rows, read straight from the weights; the columns are samples.
class LinearOuter final : public Kernel {
 public:
  LinearOuter(const LinearAttributes& a, int threads)
      : attributes_(a),
        threads_(threads),
        pitch_((a.mb + TileWidth() - 1) / TileWidth() * TileWidth()),
        samples_(zeroed_floats(a.ic * pitch_)),
        tiles_(zeroed_floats(threads * kRowBlock * TileWidth())),
        a_rows_(Multiples(a.oc, a.ic)),
        a_offsets_(Multiples(a.ic, 1)),
        b_offsets_(Multiples(a.ic, pitch_)) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto& a = attributes_;
    Transpose(arguments[0].floats(), a.ic, a.mb, a.ic, samples_.get(), pitch_);
    const float* bias = a.bias ? arguments[2].floats() : nullptr;
    const Index blocks = (a.oc + kRowBlock - 1) / kRowBlock;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* tile = tiles_.get() + thread * kRowBlock * TileWidth();
      for (Index block = blocks * thread / threads_; block < blocks * (thread + 1) / threads_; ++block)
        RunRows(block * kRowBlock, arguments[1].floats(), bias, arguments.back().floats(), tile);
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  void RunRows(Index first, const float* weights, const float* bias, float* dst, float* tile) const {
    const auto& a = attributes_;
    OuterProblem problem;
    problem.rows = std::min<Index>(kRowBlock, a.oc - first);
    problem.depth = a.ic;
    problem.a = weights;
    problem.a_rows = a_rows_.data() + first;
    problem.a_offsets = a_offsets_.data();
    problem.b_offsets = b_offsets_.data();
    problem.bias = bias == nullptr ? nullptr : bias + first;
    for (Index n = 0; n < a.mb; n += TileWidth()) {
      const Index samples = std::min(TileWidth(), a.mb - n);
      problem.b = samples_.get() + n;
      OuterTile(problem, samples, tile, TileWidth());
      Transpose(tile, TileWidth(), problem.rows, samples, dst + n * a.oc + first, a.oc);
    }
  }

  LinearAttributes attributes_;
  int threads_;
  Index pitch_;
  AlignedMemory<float> samples_, tiles_;
  std::vector<std::int32_t> a_rows_, a_offsets_, b_offsets_;
};

// Gradient with respect to src for a batch: sums over output features of rows of weights, which are read one after the
// other as they lie. As the outer kernel adds: chains of multiply-adds in blocks, blocks added in order.
class LinearRows final : public Kernel {
 public:
  LinearRows(const LinearAttributes& a, const std::vector<Argument>& arguments, int threads)
      : attributes_(a),
        threads_(threads),
        columns_(std::max<Index>(LaneCount(), kSumFloats / a.mb / LaneCount() * LaneCount())),
        prefetched_(columns_ / std::max<Index>(a.mb / kSamples, 1) + kLineFloats),
        diff_dst_(argument_index(arguments, "diff_dst")),
        weights_(argument_index(arguments, "weights")),
        sums_(zeroed_floats(threads * a.mb * columns_)) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto& a = attributes_;
    const float* diff_dst = arguments[static_cast<size_t>(diff_dst_)].floats();
    const float* weights = arguments[static_cast<size_t>(weights_)].floats();
    const Index chunks = std::max<Index>(threads_, (a.ic + columns_ - 1) / columns_);
    const Index vectors = (a.ic + LaneCount() - 1) / LaneCount();
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* sums = sums_.get() + thread * a.mb * columns_;
      for (Index chunk = chunks * thread / threads_; chunk < chunks * (thread + 1) / threads_; ++chunk) {
        const Index first = vectors * chunk / chunks * LaneCount();
        const Index end = std::min(a.ic, vectors * (chunk + 1) / chunks * LaneCount());
        RunColumns(diff_dst, weights + first, end - first, sums, arguments.back().floats() + first);
      }
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kSumFloats = 4096;  // of a chunk of columns: half the L1 cache
  // Terms that are added to the sums of so many samples before these are stored again: their factors stay in registers,
  // and a vector of weights is loaded once for all samples (32 samples of 4096 to 1000 features: 0.65 of the time
  // of 8 terms for one sample, which wait for loads, Emerald Rapids).
  static constexpr Index kTerms = 4, kSamples = HWY_TARGET == HWY_AVX3 ? 4 : 2;

  void RunColumns(const float* diff_dst, const float* weights, Index width, float* sums, float* diff_src) const {
    const auto& a = attributes_;
    const Index block = outer_block_depth(a.oc);
    for (Index k = 0; k < a.oc; k += block) {
      const Index end = std::min(a.oc, k + block);
      std::fill_n(sums, a.mb * columns_, 0.0F);
      Index term = k;
      for (; term + kTerms <= end; term += kTerms) AddTerms<kTerms>(diff_dst, weights, term, width, sums);
      for (; term < end; ++term) AddTerms<1>(diff_dst, weights, term, width, sums);
      for (Index n = 0; n < a.mb; ++n) Store(sums + n * columns_, width, k > 0, diff_src + n * a.ic);
    }
  }

  // To all samples. With each few of them a share of the next rows is prefetched, which are too far apart for hardware.
  template <Index kCount>
  void AddTerms(const float* diff_dst, const float* weights, Index term, Index width, float* sums) const {
    const auto& a = attributes_;
    const float* rows = weights + term * a.ic;
    const float* next = rows + kCount * a.ic;
    Index ahead = 0;
    Index n = 0;
    for (; n + kSamples <= a.mb; n += kSamples) {
      for (const Index end = std::min(ahead + prefetched_, width); ahead < end; ahead += kLineFloats)
        for (Index t = 0; t < kCount; ++t) hwy::Prefetch(next + t * a.ic + ahead);
      AddRows<kCount, kSamples>(diff_dst + n * a.oc + term, rows, width, sums + n * columns_);
    }
    for (; n < a.mb; ++n) AddRows<kCount, 1>(diff_dst + n * a.oc + term, rows, width, sums + n * columns_);
  }

  // sums[n][i] += scales[n][t] * rows[t][i], for one t after the other.
  template <Index kCount, Index kRows>
  void AddRows(const float* HWY_RESTRICT scales, const float* HWY_RESTRICT rows, Index width,
               float* HWY_RESTRICT sums) const {
    const hn::ScalableTag<float> d;
    using V = hn::Vec<decltype(d)>;
    const Index pitch = attributes_.ic, sums_pitch = columns_;
    V scale[kRows][kCount];
#pragma GCC unroll 4
    for (Index n = 0; n < kRows; ++n)
#pragma GCC unroll 4
      for (Index t = 0; t < kCount; ++t) scale[n][t] = hn::Set(d, scales[n * attributes_.oc + t]);
    const auto add = [&](Index i, auto load) HWY_ATTR {
      V sum[kRows];
#pragma GCC unroll 4
      for (Index n = 0; n < kRows; ++n) sum[n] = hn::Load(d, sums + n * sums_pitch + i);
#pragma GCC unroll 4
      for (Index t = 0; t < kCount; ++t) {
        const V row = load(rows + t * pitch + i);
#pragma GCC unroll 4
        for (Index n = 0; n < kRows; ++n) sum[n] = hn::MulAdd(scale[n][t], row, sum[n]);
      }
#pragma GCC unroll 4
      for (Index n = 0; n < kRows; ++n) hn::Store(sum[n], d, sums + n * sums_pitch + i);
    };
    Index i = 0;
    for (; i + LaneCount() <= width; i += LaneCount())
      add(i, [&](const float* from) HWY_ATTR { return hn::LoadU(d, from); });
    if (i < width)
      add(i, [&](const float* from) HWY_ATTR { return LoadFirst(d, from, static_cast<size_t>(width - i)); });
  }

  static void Store(const float* sums, Index width, bool adds, float* out) {
    const hn::ScalableTag<float> d;
    for (Index i = 0; i < width; i += LaneCount()) {
      const auto count = static_cast<size_t>(std::min(LaneCount(), width - i));
      const auto sum = hn::Load(d, sums + i);
      const auto total = adds ? hn::Add(LoadFirst(d, out + i, count), sum) : sum;
      if (count == hn::Lanes(d))
        hn::StoreU(total, d, out + i);
      else
        StoreFirst(total, d, out + i, count);
    }
  }

  LinearAttributes attributes_;
  int threads_;
  Index columns_;     // of a chunk, at most
  Index prefetched_;  // columns of the next rows with kSamples samples
  int diff_dst_, weights_;
  AlignedMemory<float> sums_;  // of a chunk, for each thread
};

// The gradients with respect to src for many samples (rows: samples, sum over output features) and weights (rows:
// output features, sum over samples): both read diff_dst by element and the other operand by row, as they lie. Columns
// are input features; those that do not fill a vector are computed from a padded copy.
class LinearGradient final : public Kernel {
 public:
  LinearGradient(const LinearAttributes& a, const Pass& pass, const std::vector<Argument>& arguments, int threads)
      : threads_(threads),
        rows_(pass.slot == "src" ? a.mb : a.oc),
        depth_(pass.slot == "src" ? a.oc : a.mb),
        columns_(a.ic),
        diff_dst_(argument_index(arguments, "diff_dst")),
        operand_(argument_index(arguments, pass.slot == "src" ? "weights" : "src")),
        a_rows_(Multiples(rows_, pass.slot == "src" ? a.oc : 1)),
        a_offsets_(Multiples(depth_, pass.slot == "src" ? 1 : a.oc)),
        b_offsets_(Multiples(depth_, columns_)),
        tail_offsets_(Multiples(depth_, LaneCount())),
        tail_(zeroed_floats(depth_ * LaneCount())),
        tail_sums_(zeroed_floats(rows_ * LaneCount())) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* operand = arguments[static_cast<size_t>(operand_)].floats();
    float* output = arguments.back().floats();
    OuterProblem problem;
    problem.rows = rows_;
    problem.depth = depth_;
    problem.a = arguments[static_cast<size_t>(diff_dst_)].floats();
    problem.a_rows = a_rows_.data();
    problem.a_offsets = a_offsets_.data();
    problem.b_offsets = b_offsets_.data();
    const Index whole = columns_ / LaneCount() * LaneCount();
    const Index tiles = (whole + TileWidth() - 1) / TileWidth();
    parallel_tiles(threads_, tiles, [&](Index tile) {
      OuterProblem part = problem;
      part.b = operand + tile * TileWidth();
      OuterTile(part, std::min(TileWidth(), whole - tile * TileWidth()), output + tile * TileWidth(), columns_);
    });
    if (whole < columns_) RunTail(problem, operand + whole, columns_ - whole, output + whole);
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  void RunTail(OuterProblem problem, const float* operand, Index width, float* output) {
    for (Index k = 0; k < depth_; ++k) std::copy_n(operand + k * columns_, width, tail_.get() + k * LaneCount());
    problem.b = tail_.get();
    problem.b_offsets = tail_offsets_.data();
    OuterTile(problem, width, tail_sums_.get(), LaneCount());
    for (Index row = 0; row < rows_; ++row)
      std::copy_n(tail_sums_.get() + row * LaneCount(), width, output + row * columns_);
  }

  int threads_;
  Index rows_, depth_, columns_;
  int diff_dst_, operand_;
  std::vector<std::int32_t> a_rows_, a_offsets_, b_offsets_, tail_offsets_;
  AlignedMemory<float> tail_, tail_sums_;
};

// Bias gradient: the sum of the rows of diff_dst, one chain a feature.
class LinearBias final : public Kernel {
 public:
  explicit LinearBias(const LinearAttributes& a) : attributes_(a) {}

  void run(std::span<const TensorRef> arguments) override {
    const hn::ScalableTag<float> d;
    const auto& a = attributes_;
    const float* diff_dst = arguments[arguments.size() - 2].floats();
    float* diff_bias = arguments.back().floats();
    Index oc = 0;
    for (; oc + LaneCount() <= a.oc; oc += LaneCount()) {
      auto sum = hn::Zero(d);
      for (Index n = 0; n < a.mb; ++n) sum = hn::Add(sum, hn::LoadU(d, diff_dst + n * a.oc + oc));
      hn::StoreU(sum, d, diff_bias + oc);
    }
    for (; oc < a.oc; ++oc) {
      float sum = 0;
      for (Index n = 0; n < a.mb; ++n) sum += diff_dst[n * a.oc + oc];
      diff_bias[oc] = sum;
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  LinearAttributes attributes_;
};

std::unique_ptr<Kernel> PrepareLinear(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const LinearAttributes a = linear_attributes(c.attributes);
  if (pass.slot == "bias") return std::make_unique<LinearBias>(a);
  if (pass.slot == "src" && a.mb <= kRowsBatch)
    return std::make_unique<LinearRows>(a, arguments_of(*c.spec, c.attributes, pass), options.threads);
  if (pass.slot == "weights" && a.mb <= kRowsBatch)
    return std::make_unique<LinearProducts>(a, arguments_of(*c.spec, c.attributes, pass), options.threads);
  if (!pass.is_forward())
    return std::make_unique<LinearGradient>(a, pass, arguments_of(*c.spec, c.attributes, pass), options.threads);
  if (a.mb < kFewSamples) return std::make_unique<LinearDot>(a, options.threads);
  return std::make_unique<LinearOuter>(a, options.threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareLinear);

std::optional<std::string> linear_simd_unsupported(const Case& c, const Pass&) {
  const LinearAttributes a = linear_attributes(c.attributes);
  constexpr double kMost = 2147483647.0;
  const auto widest = static_cast<double>(std::max({a.mb + 64, a.ic, a.oc}));
  if (widest * static_cast<double>(std::max({std::min(a.ic, a.oc), a.ic})) < kMost) return {};
  return "a matrix exceeds 2^31 elements";
}

double linear_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  const LinearAttributes a = linear_attributes(c.attributes);
  if (pass.slot == "bias") return static_cast<double>(a.mb);
  if (pass.slot == "src") return outer_depth(a.oc);
  if (pass.slot == "weights") return outer_depth(a.mb);
  return (a.mb < kFewSamples ? dot_depth(a.ic) : outer_depth(a.ic)) + (a.bias ? 1 : 0);
}

}  // namespace

std::vector<Implementation> linear_simd_implementations() {
  return simd_implementations({linear_simd_unsupported,
                               [](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                 return HWY_DYNAMIC_DISPATCH(PrepareLinear)(c, pass, options);
                               },
                               linear_simd_depth});
}

}  // namespace gradproof
#endif  // HWY_ONCE
