// Narrow images side by side, as one image that fills vectors.

#if defined(GRADPROOF_JOINED_PLANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_JOINED_PLANES_INL_H
#undef GRADPROOF_JOINED_PLANES_INL_H
#else
#define GRADPROOF_JOINED_PLANES_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "ops/pool/padded_rows-inl.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Images of [rows][width], one after the other; side by side they begin every `pitch` columns.
struct PlaneRows {
  Index rows, width, pitch;
};

// As many lanes as there are floats in a vector.
template <typename T>
using Lane = hn::Rebind<T, D>;

// The last `rest` elements of a row, and `gap` behind them. Reads a whole vector, except at the end of the tensor.
template <typename T>
HWY_INLINE hn::Vec<Lane<T>> LoadRest(const T* from, const T* end, Index rest, hn::Vec<Lane<T>> gap) {
  const Lane<T> d;
  const auto v = HWY_LIKELY(end - from >= Lanes()) ? hn::LoadU(d, from) : LoadFirst(d, from, At(rest));
  return hn::IfThenElse(hn::FirstN(d, At(rest)), v, gap);
}

// `count` images from `from` on, of a tensor that ends at `end`, side by side to rows of `to_pitch` elements that held
// `gap`. A row overruns its image's columns, with `gap`, before the next image is written, but not the joined row.
template <typename T>
HWY_NOINLINE void JoinPlanes(const PlaneRows plane, const T* HWY_RESTRICT from, const T* end, Index count, T gap,
                             T* HWY_RESTRICT to, Index to_pitch) {
  const Lane<T> d;
  const Index body = plane.width / Lanes() * Lanes();
  const Index rest = plane.width - body;
  const auto fill = hn::Set(d, gap);
  for (Index p = 0; p < count; ++p, to += plane.pitch) {
    const bool exact = p * plane.pitch + body + Lanes() > to_pitch;
    T* out = to;
    for (Index row = 0; row < plane.rows; ++row, from += plane.width, out += to_pitch) {
      hwy::Prefetch(from + kPrefetchAhead);
      if (exact) {
        std::copy_n(from, plane.width, out);
        continue;
      }
      for (Index i = 0; i < body; i += Lanes()) hn::StoreU(hn::LoadU(d, from + i), d, out + i);
      if (rest > 0) hn::StoreU(LoadRest(from + body, end, rest, fill), d, out + body);
    }
  }
}

// The way back, to an array that ends at `end`: a row overruns the next one, which is written after it.
template <typename T>
HWY_NOINLINE void SplitPlanes(const PlaneRows plane, const T* HWY_RESTRICT from, Index from_pitch, Index count,
                              T* HWY_RESTRICT to, const T* end) {
  const Lane<T> d;
  const Index overrun = (plane.width + Lanes() - 1) / Lanes() * Lanes();
  for (Index p = 0; p < count; ++p, from += plane.pitch) {
    const T* in = from;
    for (Index row = 0; row < plane.rows; ++row, in += from_pitch, to += plane.width) {
      if (HWY_LIKELY(end - to >= overrun)) {
        for (Index i = 0; i < plane.width; i += Lanes()) hn::StoreU(hn::LoadU(d, in + i), d, to + i);
      } else {
        std::copy_n(in, plane.width, to);
      }
    }
  }
}

// How the images of a pooling lie side by side: between two of them there are columns enough that no window reads or
// writes both.
struct JoinedWindows {
  Index pitch;            // columns from one image to the next
  Index windows_pitch;    // windows
  Index count;            // images at a time, which stay in the L1 cache; less than 2 where it does not pay
  PoolGeometry geometry;  // of the joined image

  static constexpr Index kBytes = Index{12} << 10;

  JoinedWindows(const PoolGeometry& g, int threads) : geometry(g) {
    const PoolAxis& w = g.w;
    const Index reach = w.input_of(w.out - 1, w.kernel - 1) + 1;
    const Index columns = std::max({w.in + w.pad, reach, w.out * w.stride});
    windows_pitch = (columns + w.stride - 1) / w.stride;
    pitch = windows_pitch * w.stride;
    const bool narrow = g.d.in == 1 && 4 * w.out <= 3 * Lanes();
    count = narrow ? std::min(kBytes / (4 * g.h.in * pitch), (g.planes + threads - 1) / threads) : 0;
    geometry.planes = 1;
    geometry.w.in = count * pitch;
    geometry.w.out = (count - 1) * windows_pitch + w.out;
  }
};

// An argument of a joined pooling's kernel.
struct JoinedTensor {
  size_t argument;
  ElementType type;
  bool written;
  PlaneRows plane;
  Index pitch;   // of joined rows
  Index before;  // columns of padding before the first image
  float gap;     // what lies between images
};

// Pools a few images at a time, with the kernel that `make` makes for the joined image, whose other arguments it
// does not need.
class JoinedPool final : public PoolKernel {
 public:
  template <class Make>
  JoinedPool(const PoolGeometry& g, const JoinedWindows& joined, std::vector<JoinedTensor> tensors, const Make& make,
             int threads)
      : PoolKernel(Grouped(g, joined), threads), planes_(g.planes), count_(joined.count), tensors_(std::move(tensors)) {
    PlanBands(1, 1);
    for (int thread = 0; thread < threads_; ++thread) {
      Workspace space{make(), {}, {}, {}};
      for (const JoinedTensor& t : tensors_) {
        const Index size = t.before + t.plane.rows * t.pitch + Lanes();
        space.joined.push_back(Filled(WholeLines(size), t.gap));
        space.arguments.resize(std::max(space.arguments.size(), t.argument + 1));
        space.arguments[t.argument] = {space.joined.back().get(), t.type, {t.plane.rows, t.pitch}, {}};
        if (t.written) space.staged = Filled(WholeLines(count_ * t.plane.rows * t.plane.width) + kLineFloats, 0.0F);
      }
      workspaces_.push_back(std::move(space));
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    ForEachBand(1, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index first = band.plane * count_;
      const Index count = std::min(count_, planes_ - first);
      for (size_t i = 0; i < tensors_.size(); ++i)
        if (!tensors_[i].written)
          Join(tensors_[i], arguments[tensors_[i].argument], first, count, space.joined[i].get());
      space.kernel->run(space.arguments);
      for (size_t i = 0; i < tensors_.size(); ++i)
        if (tensors_[i].written)
          Split(tensors_[i], space, space.joined[i].get(), arguments[tensors_[i].argument], first, count);
    });
  }

 private:
  struct Workspace {
    std::unique_ptr<Kernel> kernel;
    std::vector<AlignedMemory<float>> joined;  // as tensors_
    std::vector<TensorRef> arguments;
    AlignedMemory<float> staged;
  };

  // A plane for each group of images.
  static PoolGeometry Grouped(const PoolGeometry& g, const JoinedWindows& joined) {
    PoolGeometry groups = joined.geometry;
    groups.planes = (g.planes + joined.count - 1) / joined.count;
    return groups;
  }

  void Join(const JoinedTensor& t, const TensorRef& from, Index first, Index count, float* joined) const {
    const Index size = t.plane.rows * t.plane.width;
    if (t.type == ElementType::kFloat32) {
      JoinPlanes(t.plane, from.floats() + first * size, from.floats() + planes_ * size, count, t.gap, joined + t.before,
                 t.pitch);
    } else {
      JoinPlanes(t.plane, from.bytes() + first * size, from.bytes() + planes_ * size, count, std::uint8_t{0},
                 reinterpret_cast<std::uint8_t*>(joined), t.pitch);
    }
  }

  void Split(const JoinedTensor& t, Workspace& space, const float* joined, const TensorRef& to, Index first,
             Index count) const {
    const Index size = count * t.plane.rows * t.plane.width;
    const Index at = first * t.plane.rows * t.plane.width;
    if (t.type == ElementType::kFloat32) {
      LineStream out(stores_, space.staged.get(), to.floats() + at);
      SplitPlanes(t.plane, joined, t.pitch, count, out.next(), out.next() + size);
      out.push(size);
      out.finish();
    } else {
      std::uint8_t* out = to.bytes() + at;
      SplitPlanes(t.plane, reinterpret_cast<const std::uint8_t*>(joined), t.pitch, count, out, out + size);
    }
  }

  const Index planes_, count_;
  const std::vector<JoinedTensor> tensors_;
  std::vector<Workspace> workspaces_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_JOINED_PLANES_INL_H
