// Sums over one channel of a batch, in double, in an order that only the shape decides.

#if defined(GRADPROOF_BLOCK_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_BLOCK_SUMS_INL_H
#undef GRADPROOF_BLOCK_SUMS_INL_H
#else
#define GRADPROOF_BLOCK_SUMS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "ops/simd/block_sums.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The sum of the lanes as a tree of halves: lane i and lane i + half first.
template <class D>
HWY_INLINE double HalvesSum([[maybe_unused]] D d, hn::Vec<D> v) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(d) > 1) {
    const hn::Half<D> half;
    return HalvesSum(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
#endif
  return hn::GetLane(v);
}

// Running sums of a block: as many lanes whatever the vector length, so that every instruction set adds in the same
// order; as many as 16 registers of AVX2 hold.
template <int kSums>
class LaneSums {
 public:
  static constexpr size_t kLanes = 16;
  using D = hn::CappedTag<double, kLanes>;
  using V = hn::Vec<D>;

  LaneSums() {
    for (auto& part : sums_)
      for (V& sum : part) sum = hn::Zero(D());
  }

  // Adds kLanes elements of each input: f(sums, x...) adds vectors of doubles to its kSums sums.
  template <class F>
  HWY_INLINE void Add(const F& f, const auto*... in) {
    AddParts(f, std::make_index_sequence<kParts>(), in...);
  }

  // Adds the first `count` elements of each input, and `neutral` in the other lanes.
  template <class F>
  HWY_INLINE void AddFirst(size_t count, const float* neutral, const F& f, const auto*... in) {
    AddFirstParts(count, neutral, f, std::make_index_sequence<kParts>(), in...);
  }

  // The sum of the lanes as a tree of halves.
  double Total(int s) const {
    const D d;
    V parts[kParts];
    for (size_t part = 0; part < kParts; ++part) parts[part] = sums_[part][s];
    for (size_t half = kParts / 2; half > 0; half /= 2)
      for (size_t part = 0; part < half; ++part) parts[part] = hn::Add(parts[part], parts[part + half]);
    return HalvesSum(d, parts[0]);
  }

 private:
  static constexpr size_t kParts = kLanes / hn::MaxLanes(D());

  // Numbers that are known while compiling: else GCC leaves the sums in memory.
  template <class F, size_t... kPart>
  HWY_INLINE void AddParts(const F& f, std::index_sequence<kPart...>, const auto*... in) {
    (AddPart<kPart>(f, in...), ...);
  }

  template <size_t kPart, class F>
  HWY_INLINE void AddPart(const F& f, const auto*... in) {
    const D d;
    const hn::Rebind<float, D> df;
    f(sums_[kPart], hn::PromoteTo(d, hn::LoadU(df, in + kPart * hn::MaxLanes(d)))...);
  }

  template <class F, size_t... kPart>
  HWY_INLINE void AddFirstParts(size_t count, const float* neutral, const F& f, std::index_sequence<kPart...>,
                                const auto*... in) {
    (AddFirstPart<kPart>(count, neutral, f, std::make_index_sequence<sizeof...(in)>(), in...), ...);
  }

  template <size_t kPart, class F, size_t... kInput>
  HWY_INLINE void AddFirstPart(size_t count, const float* neutral, const F& f, std::index_sequence<kInput...>,
                               const auto*... in) {
    constexpr size_t kLength = hn::MaxLanes(D());
    constexpr size_t kFirst = kPart * kLength;
    if (count > kFirst) f(sums_[kPart], LoadOr(in + kFirst, std::min(count - kFirst, kLength), neutral[kInput])...);
  }

  static HWY_INLINE V LoadOr(const float* from, size_t count, float otherwise) {
    const hn::Rebind<float, D> df;
    const auto x = hn::IfThenElse(hn::FirstN(df, count), LoadFirst(df, from, count), hn::Set(df, otherwise));
    return hn::PromoteTo(D(), x);
  }

  V sums_[kParts][kSums];
};

// Sums f over a block, which lies alike in every input. Where a run ends amid the lanes, the others see `neutral`, for
// which f must add nothing. Calls fetch(n) after every n elements.
template <int kSums, class Fetch, class F, class... In>
void SumBlock(Fetch& fetch, const F& f, const Channel& block, const float (&neutral)[sizeof...(In)],
              double* HWY_RESTRICT totals, const In* HWY_RESTRICT... in) {
  using Sums = LaneSums<kSums>;
  constexpr Index kLanes = Sums::kLanes;
  const Index length = block.length;
  Sums sums;
  for (Index segment = 0; segment < block.segments; ++segment) {
    const Index start = segment * block.pitch;
    Index i = 0;
    for (; i + kFetchGranule <= length; fetch(kFetchGranule)) {
      Sums piece = sums;
      HWY_UNROLL(2)  // else GCC unrolls it all, and spills
      for (const Index end = i + kFetchGranule; i < end; i += kLanes) piece.Add(f, (in + start + i)...);
      sums = piece;
    }
    // The next set of short runs lies behind each of them (batch norm of 256 channels, 14 x 14: 0.6 to 0.85 of the
    // time).
    Sums piece = sums;
    HWY_UNROLL(2)
    for (; i + kLanes <= length; i += kLanes) {
      (hwy::Prefetch(in + start + i + kMapAhead), ...);
      piece.Add(f, (in + start + i)...);
    }
    if (i < length) piece.AddFirst(static_cast<size_t>(length - i), neutral, f, (in + start + i)...);
    sums = piece;
    fetch(length % kFetchGranule);
  }
  for (int s = 0; s < kSums; ++s) totals[s] = sums.Total(s);
}

// Calls f(block, offset) for the blocks of a channel in order, each of them as a channel and where it begins: pieces of
// long runs, groups of short ones.
template <class F>
void ForEachBlock(const Channel& channel, const F& f) {
  if (channel.length >= kSumBlockSize) {
    for (Index segment = 0; segment < channel.segments; ++segment)
      for (Index i = 0; i < channel.length; i += kSumBlockSize)
        f(Channel{1, std::min(kSumBlockSize, channel.length - i), channel.pitch}, segment * channel.pitch + i);
    return;
  }
  const Index group = kSumBlockSize / channel.length;
  for (Index segment = 0; segment < channel.segments; segment += group)
    f(Channel{std::min(group, channel.segments - segment), channel.length, channel.pitch}, segment * channel.pitch);
}

struct ShiftedSums {
  double shift;
  template <class V>
  HWY_ATTR void operator()(V (&sums)[2], V x) const {
    const V centred = hn::Sub(x, hn::Set(hn::DFromV<V>(), shift));
    sums[0] = hn::Add(sums[0], centred);
    sums[1] = hn::MulAdd(centred, centred, sums[1]);
  }
};

// Mean and centred second moment of a block, shifted by its first element (see Moments). NaN and infinite elements make
// them NaN or infinite as the definitions do.
template <class Fetch>
Moments BlockMoments(Fetch& fetch, const Channel& block, const float* x) {
  const float shift = std::isfinite(*x) ? *x : 0.0F;
  const float neutral[] = {shift};
  double totals[2];
  SumBlock<2>(fetch, ShiftedSums{shift}, block, neutral, totals, x);
  return Moments::shifted(static_cast<double>(block.count()), shift, totals[0], totals[1]);
}

// Of a channel: those of its blocks, merged.
template <class Fetch>
Moments ChannelMoments(Fetch& fetch, const Channel& channel, const float* x) {
  Moments moments;
  ForEachBlock(channel,
               [&](const Channel& block, Index offset) { moments.merge(BlockMoments(fetch, block, x + offset)); });
  return moments;
}

struct GradientSumsOf {
  double mean;
  template <class V>
  HWY_ATTR void operator()(V (&sums)[3], V x, V diff) const {
    const V centred = hn::Sub(x, hn::Set(hn::DFromV<V>(), mean));
    sums[0] = hn::Add(sums[0], diff);
    sums[1] = hn::Add(sums[1], centred);
    sums[2] = hn::MulAdd(centred, diff, sums[2]);
  }
  // The product diff * weight of two float32 is exact in double.
  template <class V>
  HWY_ATTR void operator()(V (&sums)[3], V x, V diff, V weight) const {
    (*this)(sums, x, hn::Mul(diff, weight));
  }
};

// Sums of diff, x - mean and (x - mean) * diff over a block; with weights, of diff * weight instead of diff.
template <class Fetch, class... Weight>
GradientSums BlockGradientSums(Fetch& fetch, const Channel& block, float mean, const float* x, const float* diff,
                               const Weight*... weight) {
  const float neutral[2 + sizeof...(Weight)] = {mean};  // and zeros
  double totals[3];
  SumBlock<3>(fetch, GradientSumsOf{mean}, block, neutral, totals, x, diff, weight...);
  return {totals[0], totals[1], totals[2]};
}

template <class Fetch, class... Weight>
GradientSums ChannelGradientSums(Fetch& fetch, const Channel& channel, float mean, const float* x, const float* diff,
                                 const Weight*... weight) {
  GradientSums result;
  ForEachBlock(channel, [&](const Channel& block, Index offset) {
    result.add(BlockGradientSums(fetch, block, mean, x + offset, diff + offset, (weight + offset)...));
  });
  return result;
}

struct PlainSum {
  template <class V>
  HWY_ATTR void operator()(V (&sums)[1], V x) const {
    sums[0] = hn::Add(sums[0], x);
  }
};

template <class Fetch>
double BlockTotal(Fetch& fetch, const Channel& block, const float* x) {
  const float neutral[] = {0.0F};
  double total = 0;
  SumBlock<1>(fetch, PlainSum(), block, neutral, &total, x);
  return total;
}

template <class Fetch>
double ChannelTotal(Fetch& fetch, const Channel& channel, const float* x) {
  double total = 0;
  ForEachBlock(channel, [&](const Channel& block, Index offset) { total += BlockTotal(fetch, block, x + offset); });
  return total;
}

inline double ChannelTotal(const Channel& channel, const float* x) {
  NoFetch nothing;
  return ChannelTotal(nothing, channel, x);
}

struct SumOfSquares {
  template <class V>
  HWY_ATTR void operator()(V (&sums)[1], V x) const {
    sums[0] = hn::MulAdd(x, x, sums[0]);
  }
};

template <class Fetch>
double ChannelSquares(Fetch& fetch, const Channel& channel, const float* x) {
  double total = 0;
  ForEachBlock(channel, [&](const Channel& block, Index offset) {
    const float neutral[] = {0.0F};
    double square = 0;
    SumBlock<1>(fetch, SumOfSquares(), block, neutral, &square, x + offset);
    total += square;
  });
  return total;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_BLOCK_SUMS_INL_H
