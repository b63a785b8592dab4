#include "ops/pool/mixed_pool_simd.h"

#include <functional>
#include <numeric>

#include "ops/pool/geometry.h"
#include "ops/pool/linear_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/pool/max_pool_simd.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/mixed_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/divisors-inl.h"
#include "ops/pool/picked_rows-inl.h"
#include "ops/pool/window_sum_forward-inl.h"
#include "ops/pool/window_sum_gradient-inl.h"
#include "ops/simd/block_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// The average that goes with the maximum: of the taps on the input.
LinearPoolAttributes AverageOf(const MaxPoolAttributes& a) {
  LinearPoolAttributes average{a.mb, a.c, a.window};
  average.average = true;
  average.count_include_pad = false;
  return average;
}

PoolGeometry GeometryOf(const MaxPoolAttributes& a) { return PoolGeometry(a.mb * a.c, a.window); }

// a * maximum + (1 - a) * average, of rows of sums.
struct Mix {
  struct Row {
    Quotient average;
    const float* maxima;
    float a;

    HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> sum, Index ow) const {
      const auto weight = hn::Set(D(), a);
      const auto rest = hn::Mul(hn::Set(D(), 1.0F - a), average(sum, ow));
      return hn::MulAdd(weight, hn::LoadU(D(), maxima + ow), rest);
    }
  };
  HWY_INLINE Row OfRow(Index row) const { return {averages.OfRow(row), maxima + row * width, a}; }

  Quotient averages;
  const float* maxima;  // rows of `width`
  Index width;
  float a;
};

// What a window sends to each of its inputs: (1 - a) / taps of its diff_dst.
struct AverageShare {
  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> diff, Index ow) const {
    return hn::Mul(hn::Set(D(), rest), average(diff, ow));
  }
  HWY_INLINE AverageShare OfRow(Index row) const { return {average.OfRow(row), rest}; }

  Quotient average;
  float rest;  // 1 - a
};

struct ScaledBy {
  float a;
  HWY_ATTR hn::Vec<D> operator()(hn::Vec<D> x) const { return hn::Mul(hn::Set(D(), a), x); }
};

struct Sum {
  HWY_ATTR hn::Vec<D> operator()(hn::Vec<D> x, hn::Vec<D> y) const { return hn::Add(x, y); }
};

TensorRef Untyped(float* data) { return {data, ElementType::kFloat32, {}, {}}; }

// First all maxima, then the sums and the mix.
class MixedForward final : public WindowSumForward {
 public:
  explicit MixedForward(const MaxPoolAttributes& a)
      : WindowSumForward(GeometryOf(a), 1),
        divisors_(AverageOf(a), g_),
        max_(prepare_max_forward(a, 1)),
        maxima_(Filled(WholeLines(g_.planes * g_.out_count() + Lanes()), 0.0F)) {}

  void run(std::span<const TensorRef> arguments) override {
    const TensorRef &src = arguments[0], &a = arguments[1], &dst = arguments[2], &argmax = arguments[3];
    max_->run(std::array{src, Untyped(maxima_.get()), argmax});
    WriteWindows(src.floats(), dst.floats(), [&](const WindowRow& row) {
      return Mix{divisors_(row), maxima_.get() + row.row * g_.w.out, g_.w.out, *a.floats()};
    });
  }

 private:
  const Divisors divisors_;
  const std::unique_ptr<Kernel> max_;
  const AlignedMemory<float> maxima_;
};

// The share of the averages, and what the maxima route of a * diff_dst.
class MixedSrcGradient final : public WindowSumGradient {
 public:
  explicit MixedSrcGradient(const MaxPoolAttributes& a)
      : WindowSumGradient(GeometryOf(a), false, 1),
        divisors_(AverageOf(a), g_),
        max_(prepare_max_gradient(a, 1)),
        scaled_(Filled(WholeLines(g_.planes * g_.out_count()), 0.0F)),
        averages_(Filled(WholeLines(g_.planes * g_.in_count()), 0.0F)),
        routed_(Filled(WholeLines(g_.planes * g_.in_count()), 0.0F)) {}

  void run(std::span<const TensorRef> arguments) override {
    const TensorRef &src = arguments[0], &argmax = arguments[2], &diff_dst = arguments[3], &diff_src = arguments[4];
    const float a = *arguments[1].floats();
    Map(ScaledBy{a}, Stores::kCached, At(g_.planes * g_.out_count()), scaled_.get(), diff_dst.floats());
    max_->run(std::array{src, argmax, Untyped(scaled_.get()), Untyped(routed_.get())});
    Gather(diff_dst.floats(), averages_.get(), [&](const WindowRow& row) {
      return AverageShare{divisors_(row), 1.0F - a};
    });
    Map(Sum(), Stores::kCached, At(g_.planes * g_.in_count()), diff_src.floats(), routed_.get(), averages_.get());
  }

 private:
  const Divisors divisors_;
  const std::unique_ptr<Kernel> max_;
  const AlignedMemory<float> scaled_, averages_, routed_;
};

// Planes that all steps of a pass go through together, so that they stay in the L2 cache in between.
constexpr Index kChunkBytes = Index{128} << 10;

Index ChunkOf(Index planes, Index plane_bytes) {
  Index chunk = std::clamp<Index>(kChunkBytes / plane_bytes, 1, planes);
  while (planes % chunk != 0) --chunk;
  return chunk;
}

// Runs the kernel of a chunk, one for each thread, on all chunks.
class InChunks final : public Kernel {
 public:
  using Make = std::function<std::unique_ptr<Kernel>(const MaxPoolAttributes&)>;

  InChunks(const MaxPoolAttributes& a, const std::vector<Argument>& arguments, int threads, const Make& make)
      : threads_(a.mb * a.c * a.window.in_count() < kSerialElements ? 1 : threads) {
    const Index chunk = ChunkOf(a.mb * a.c, 4 * a.window.in_count());
    chunks_ = a.mb * a.c / chunk;
    for (const Argument& argument : arguments)
      steps_.push_back(argument.name == "a" ? 0
                                            : element_count(argument.shape) / chunks_ * element_size(argument.type));
    for (int thread = 0; thread < threads_; ++thread)
      workers_.push_back({make({1, chunk, a.window}), std::vector<TensorRef>(arguments.size())});
  }

  void run(std::span<const TensorRef> arguments) override {
    const auto share = [&](Index thread) {
      Worker& worker = workers_[At(thread)];
      for (Index chunk = chunks_ * thread / threads_; chunk < chunks_ * (thread + 1) / threads_; ++chunk) {
        for (size_t i = 0; i < arguments.size(); ++i)
          worker.arguments[i].data = static_cast<char*>(arguments[i].data) + chunk * steps_[i];
        worker.kernel->run(worker.arguments);
      }
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  struct Worker {
    std::unique_ptr<Kernel> kernel;
    std::vector<TensorRef> arguments;  // of its chunk
  };

  const int threads_;
  Index chunks_;
  std::vector<Index> steps_;  // bytes from chunk to chunk, of each argument
  std::vector<Worker> workers_;
};

// diff_a: diff_dst times what the maximum exceeds the average by, a total for each row of windows, and then over all
// rows, in an order that only the shape decides. Maxima are looked up in the input, which the sums have just read.
template <typename T>
class MixGradient final : public WindowSumForward {
 public:
  MixGradient(const MaxPoolAttributes& a, int threads)
      : WindowSumForward(GeometryOf(a), threads),
        taps_(AverageOf(a).divisors()),
        picked_(g_),
        totals_(At(g_.planes * g_.d.out * g_.h.out)) {
    // Axes that were merged have one tap a window.
    taps_[0].resize(At(g_.d.out), 1.0F);
    taps_[1].resize(At(g_.h.out), 1.0F);
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    const T* argmax = static_cast<const T*>(arguments[2].data);
    const float* diff_dst = arguments[3].floats();
    VisitWindows(src, [&](Index first, Index rows, const float* sums) {
      for (Index row = first; row < first + rows; ++row, sums += g_.w.out)
        totals_[At(row)] = RowTotal(src, row, sums, argmax + row * g_.w.out, diff_dst + row * g_.w.out);
    });
    *arguments[4].floats() = static_cast<float>(std::accumulate(totals_.begin(), totals_.end(), 0.0));
  }

 private:
  double RowTotal(const float* src, Index row, const float* sums, const T* argmax, const float* diff_dst) const {
    const Index oh = row % g_.h.out;
    const Index od = row / g_.h.out % g_.d.out;
    const float* plane = src + row / g_.h.out / g_.d.out * g_.in_count();
    const float taps = taps_[0][At(od)] * taps_[1][At(oh)];
    double total = 0;
    picked_.ForEach(plane, od, oh, argmax, [&](Index ow, float largest) {
      const double average = static_cast<double>(sums[ow]) / static_cast<double>(taps * taps_[2][At(ow)]);
      total += static_cast<double>(diff_dst[ow]) * (static_cast<double>(largest) - average);
    });
    return total;
  }

  std::array<std::vector<float>, 3> taps_;  // on the input, along each axis
  const PickedRows picked_;
  std::vector<double> totals_;  // of rows of windows
};

std::unique_ptr<Kernel> PrepareMixedPool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const MaxPoolAttributes a = max_pool_attributes(c.attributes);
  if (pass.slot == "a") {
    if (a.argmax_type() == ElementType::kUint8) return std::make_unique<MixGradient<std::uint8_t>>(a, options.threads);
    return std::make_unique<MixGradient<std::int32_t>>(a, options.threads);
  }
  const auto forward = [](const MaxPoolAttributes& chunk) { return std::make_unique<MixedForward>(chunk); };
  const auto gradient = [](const MaxPoolAttributes& chunk) { return std::make_unique<MixedSrcGradient>(chunk); };
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.is_forward()) return std::make_unique<InChunks>(a, arguments, options.threads, forward);
  return std::make_unique<InChunks>(a, arguments, options.threads, gradient);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareMixedPool);

namespace {

// What is summed over all windows is summed in double and rounded once; the sums of windows are float32.
double mixed_pool_simd_depth(const Case& c, const Pass& pass, std::string_view slot) {
  if (pass.slot == "a") return static_cast<double>(window_of(c.attributes).taps()) + kSumDepth;
  return c.spec->depth(c.attributes, pass, slot);
}

}  // namespace

std::vector<Implementation> mixed_pool_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareMixedPool)(plan...); },
       .depth = mixed_pool_simd_depth});
}

}  // namespace gradproof
#endif
