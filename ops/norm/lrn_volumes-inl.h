// Windows along any axes, of any size: a volume is copied between zeros, and windows are summed axis by axis, where an
// axis is no more than a step in memory. Within a channel the volume is its plane; across channels of a wide window, or
// of tiny planes, it is a strip of all channels.

#if defined(GRADPROOF_LRN_VOLUMES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LRN_VOLUMES_INL_H
#undef GRADPROOF_LRN_VOLUMES_INL_H
#else
#define GRADPROOF_LRN_VOLUMES_INL_H
#endif

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "ops/core/memory.h"
#include "ops/norm/lrn_rows-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Sums of neighbours `step` apart: out[i] = in[i] + in[i + step] + ... of `taps` terms.
class NeighbourSums {
 public:
  // `runs` holds as many elements as `in`, and is used where the terms are many.
  void operator()(const float* in, Index taps, Index step, Index count, float* runs, float* out) {
    const SumLevels levels(taps);
    rows_.clear();
    if (levels.run == 1) {
      Append(in, taps, step);
    } else {
      Append(in, levels.run, step);
      AddRows(rows_, count + (levels.runs - 1) * levels.run * step, runs);
      rows_.clear();
      Append(runs, levels.runs, levels.run * step);
      Append(in + levels.runs * levels.run * step, levels.left, step);
    }
    AddRows(rows_, count, out);
  }
  void Reserve(Index taps) { rows_.reserve(static_cast<size_t>(taps)); }

 private:
  void Append(const float* from, Index taps, Index step) {
    for (Index i = 0; i < taps; ++i) rows_.push_back(from + i * step);
  }
  std::vector<const float*> rows_;
};

// Elements d, h, w of a tensor, rows of which are `row_pitch` apart, and the windows along each axis.
struct LrnVolume {
  std::array<Index, 3> extents;
  std::array<LrnWindow, 3> windows;
  Index row_pitch;

  Index padded(size_t axis) const { return extents[axis] + windows[axis].taps() - 1; }
  Index padded_count() const { return padded(0) * padded(1) * padded(2); }
  std::array<Index, 3> steps() const { return {padded(1) * padded(2), padded(2), 1}; }

  // Rows that lie one behind the other, here and in the tensor, are one.
  bool joined() const { return extents[0] == 1 && windows[2].taps() == 1 && row_pitch == extents[2]; }
  Index rows() const { return joined() ? 1 : extents[0] * extents[1]; }
  Index row_length() const { return joined() ? extents[1] * extents[2] : extents[2]; }
  // Where a row's sums lie, those of windows that begin there.
  Index place(Index row) const { return row / extents[1] * steps()[0] + row % extents[1] * steps()[1]; }
  // How far behind that its elements lie, so that they come `before` elements after the beginning.
  Index front(bool reversed) const {
    Index offset = 0;
    for (size_t axis = 0; axis < 3; ++axis)
      offset += (reversed ? windows[axis].behind : windows[axis].before) * steps()[axis];
    return offset;
  }
};

// One thread's scratch, and what is done with it.
class LrnVolumeSums {
 public:
  explicit LrnVolumeSums(const LrnVolume& largest)
      : size_(largest.padded_count()), scratch_(zeroed_floats(4 * size_ + kLineFloats)) {
    for (const LrnWindow& window : largest.windows) sums_.Reserve(window.taps());
  }

  // Makes room for values with zeros around them.
  float* Clear(Index number, Index count) {
    std::fill_n(Buffer(number), count, 0.0F);
    return Buffer(number);
  }
  float* Buffer(Index number) { return scratch_.get() + number * size_; }

  // The sums of all windows of what is in buffer `from`, 0 or 1, in the order of places. They are in the buffer that is
  // returned, 0 or 1, and the other one is free then; buffer 2 is used.
  Index SumWindows(const LrnVolume& volume, Index from) {
    Index available = volume.padded_count();
    for (size_t axis = 3; axis-- > 0;) {
      const Index taps = volume.windows[axis].taps(), step = volume.steps()[axis];
      if (taps == 1) continue;
      available -= (taps - 1) * step;
      sums_(Buffer(from), taps, step, available, Buffer(2), Buffer(1 - from));
      from = 1 - from;
    }
    return from;
  }

 private:
  Index size_;
  AlignedMemory<float> scratch_;
  NeighbourSums sums_;
};

struct Square {
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return hn::Mul(x, x);
  }
};

class LrnVolumes : public Kernel {
 public:
  LrnVolumes(const LrnAttributes& a, int threads)
      : a_(a), numbers_(a), functions_(LrnRows<KnownSums>::Of(a.beta)), threads_(threads), length_(a.space()) {
    constexpr Index kStrip = 32768;  // floats of a strip of all channels: half of a cache of 256 KiB
    const Index channels = a.c + a.across().taps();
    if (!a.within) length_ = std::min(length_, std::max(kStrip / channels / kLineFloats, Index{1}) * kLineFloats);
    for (int thread = 0; thread < threads_; ++thread) sums_.emplace_back(VolumeOf(length_));
  }

  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  // f(sums of a thread, volume, offset of its first element).
  template <class F>
  void ForEachVolume(const F& f) {
    const Index strips = (a_.space() + length_ - 1) / length_;
    const Index count = a_.within ? a_.mb * a_.c : a_.mb * strips;
    const auto share = [&](Index thread) {
      for (Index i = count * thread / threads_; i < count * (thread + 1) / threads_; ++i) {
        const Index begin = i % strips * length_, image = a_.within ? a_.space() : a_.c * a_.space();
        f(sums_[static_cast<size_t>(thread)], VolumeOf(std::min(length_, a_.space() - begin)),
          i / strips * image + begin);
      }
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  // f(row, its offset in the tensor).
  template <class F>
  static void ForEachRow(const LrnVolume& volume, const F& f) {
    for (Index row = 0; row < volume.rows(); ++row) f(row, row * volume.row_pitch);
  }

  // Sums of squares; returns the buffer that they are in.
  static Index SumSquares(LrnVolumeSums& sums, const LrnVolume& volume, const float* src) {
    float* squares = sums.Clear(0, volume.padded_count()) + volume.front(false);
    ForEachRow(volume, [&](Index row, Index at) {
      Map(Square(), Stores::kCached, static_cast<size_t>(volume.row_length()), squares + volume.place(row), src + at);
    });
    return sums.SumWindows(volume, 0);
  }

  const LrnAttributes a_;
  const LrnNumbers numbers_;
  const LrnRows<KnownSums> functions_;

 private:
  LrnVolume VolumeOf(Index length) const {
    if (a_.within) return {a_.in, a_.spatial(), a_.in[2]};
    return {{1, a_.c, length}, {LrnWindow{}, a_.across(), LrnWindow{}}, a_.space()};
  }

  const int threads_;
  Index length_;  // pixels of a strip
  std::vector<LrnVolumeSums> sums_;
};

class LrnVolumesForward final : public LrnVolumes {
 public:
  using LrnVolumes::LrnVolumes;

  void run(std::span<const TensorRef> arguments) override {
    ForEachVolume([&](LrnVolumeSums& sums, const LrnVolume& volume, Index first) {
      const float* src = arguments[0].floats() + first;
      float* dst = arguments[1].floats() + first;
      const float* squares = sums.Buffer(SumSquares(sums, volume, src));
      ForEachRow(volume, [&](Index row, Index at) {
        functions_.normalize(numbers_, KnownSums(squares + volume.place(row)), Stores::kCached, volume.row_length(),
                             src + at, dst + at);
      });
    });
  }
};

class LrnVolumesGradient final : public LrnVolumes {
 public:
  using LrnVolumes::LrnVolumes;

  void run(std::span<const TensorRef> arguments) override {
    ForEachVolume([&](LrnVolumeSums& sums, const LrnVolume& volume, Index first) {
      const float *src = arguments[0].floats() + first, *diff_dst = arguments[1].floats() + first;
      float* diff_src = arguments[2].floats() + first;
      const Index length = volume.row_length(), squares = SumSquares(sums, volume, src), terms = 1 - squares;
      float* const term = sums.Clear(terms, volume.padded_count()) + volume.front(true);
      float* const direct = sums.Buffer(3);
      ForEachRow(volume, [&](Index row, Index at) {
        functions_.split(numbers_, KnownSums(sums.Buffer(squares) + volume.place(row)), length,
                         {.src = src + at,
                          .diff_dst = diff_dst + at,
                          .next = diff_dst + at,
                          .direct = direct + row * length,
                          .term = term + volume.place(row)});
      });
      const float* joined = sums.Buffer(sums.SumWindows(volume, terms));
      ForEachRow(volume, [&](Index row, Index at) {
        JoinRow(numbers_, KnownSums(joined + volume.place(row)), Stores::kCached, length, direct + row * length,
                src + at, diff_src + at);
      });
    });
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_VOLUMES_INL_H
