// Kernels that sum along an axis: rows in panels, panels in shares of threads.

#if defined(GRADPROOF_CLASS_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_CLASS_KERNEL_INL_H
#undef GRADPROOF_CLASS_KERNEL_INL_H
#else
#define GRADPROOF_CLASS_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <functional>

#include "ops/activation/class_panels-inl.h"
#include "ops/core/implementation.h"
#include "ops/core/memory.h"
#include "ops/simd/lane_planes-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int kPanelVectors = 4;  // enough sums under way to hide the latency of one
constexpr Index kPanelColumns = kPanelVectors * kPanelLanes;
// Rows of which two, of two inputs and an output, share an L1 cache of 32 KiB.
constexpr Index kOverlappedClasses = 1280;

// Whether each row is summed while the one before it is put, where a kernel does that: within the L2 cache (gradient of
// softmax, Zen 4: 0.84 to 0.92 of the time; of 3 MB 1.05, of 49 MB 1.37).
inline bool AreOverlapped(const ClassRows& rows, size_t bytes) {
  return rows.classes <= kOverlappedClasses && !exceeds_l2(bytes);
}

// What a panel works on: its first elements in up to three tensors that are read, and in one that is written (may be
// null), the number of its first row, and room to remember a vector for each element.
struct PanelTensors {
  static constexpr int kMost = 3;
  const float* in[kMost];
  float* out;
  Index row;
  float* memory;
};

class ClassKernel : public Kernel {
 public:
  // `inputs` and `outputs` tensors, of elements, are read and written.
  ClassKernel(const ClassRows& rows, int inputs, int outputs, int threads)
      : rows_(rows),
        threads_(threads),
        bytes_(static_cast<size_t>(rows.count() * (inputs + outputs)) * sizeof(float)),
        stores_(stores_for(bytes_)),
        are_overlapped_(AreOverlapped(rows, bytes_)),
        memory_size_((rows.classes * kPanelColumns + kRowParts + kLineFloats) / kLineFloats * kLineFloats),
        memory_(zeroed_floats(threads * kBuffers * memory_size_)) {}

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 protected:
  // Calls work(panel, tensors) for panels that have each row once.
  template <class Work>
  void ForPanels(std::initializer_list<const float*> in, float* out, const Work& work) const {
    if (rows_.inner > 1)
      ForColumns(in, out, work);
    else if (rows_.classes < kFewClasses)
      ForTransposed(in, out, work);
    else
      ForRows(in, out, work);
  }

  const ClassRows rows_;

 private:
  static constexpr Index kBuffers = PanelTensors::kMost + 3;  // of a thread: to remember, inputs, output, and a dummy

  // f(first, end, memory of the thread) for ranges that make up 0 ... count - 1
  template <class F>
  void ShareRanges(Index count, const F& f) const {
    const auto share = [&](Index thread) {
      const Index first = count * thread / threads_, end = count * (thread + 1) / threads_;
      if (first < end) f(first, end, memory_.get() + thread * kBuffers * memory_size_);
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }
  // f(i, memory of the thread) for i < count
  template <class F>
  void Share(Index count, const F& f) const {
    ShareRanges(count, [&](Index first, Index end, float* memory) {
      for (Index i = first; i < end; ++i) f(i, memory);
    });
  }

  PanelTensors At(std::initializer_list<const float*> in, float* out, Index element, Index row, float* memory) const {
    PanelTensors tensors{{}, out == nullptr ? nullptr : out + element, row, memory};
    for (size_t i = 0; i < in.size(); ++i) tensors.in[i] = in.begin()[i] + element;
    return tensors;
  }

  bool Streams(const float* out, Index pitch) const {
    return stores_ == Stores::kStreaming && AreWholeLines(out, pitch);
  }

  template <class Work>
  void ForColumns(std::initializer_list<const float*> in, float* out, const Work& work) const {
    const Index panels = (rows_.inner + kPanelColumns - 1) / kPanelColumns;
    const bool streaming = Streams(out, rows_.inner);
    Share(rows_.outer * panels, [&](Index i, float* memory) {
      const Index outer = i / panels, end = std::min(rows_.inner, (i % panels + 1) * kPanelColumns);
      Index column = i % panels * kPanelColumns;
      const auto at = [&] {
        return At(in, out, outer * rows_.classes * rows_.inner + column, outer * rows_.inner + column, memory);
      };
      if (end - column == kPanelColumns) {
        const ColumnPanel<kPanelVectors, WholeVectors> panel(rows_.classes, rows_.inner, {streaming}, {});
        return work(panel, at());
      }
      for (; column < end; column += kPanelLanes) {
        const FirstElements some{std::min(kPanelLanes, end - column)};
        work(ColumnPanel<1, FirstElements>(rows_.classes, rows_.inner, some, some), at());
      }
    });
  }

  template <class Work>
  void ForRows(std::initializer_list<const float*> in, float* out, const Work& work) const {
    const RowPanel panel(rows_.classes, Streams(out, rows_.classes));
    ShareRanges(rows_.outer, [&](Index first, Index end, float* memory) {
      const auto tensors_of = [&](Index row) { return At(in, out, row * rows_.classes, row, memory); };
      if constexpr (requires { work.Overlap(panel, first, end, tensors_of); }) {
        if (are_overlapped_) return work.Overlap(panel, first, end, tensors_of);
      }
      for (Index row = first; row < end; ++row) work(panel, tensors_of(row));
    });
  }

  // A row a lane, by way of buffers. Lanes without a row read the last one, and write a dummy.
  template <class Work>
  void ForTransposed(std::initializer_list<const float*> in, float* out, const Work& work) const {
    const Index classes = rows_.classes;
    Share((rows_.outer + kPanelLanes - 1) / kPanelLanes, [&](Index i, float* memory) {
      const Index row = i * kPanelLanes, count = std::min(kPanelLanes, rows_.outer - row);
      PanelTensors tensors{{}, nullptr, row, memory};
      float* buffer = memory;
      for (size_t k = 0; k < in.size(); ++k) {
        buffer += memory_size_;
        RowsToLanes(ChannelRows<const float>(in.begin()[k], classes, row, rows_.outer), 0, classes, buffer);
        tensors.in[k] = buffer;
      }
      if (out != nullptr) tensors.out = buffer += memory_size_;
      work(ColumnPanel<1, WholeVectors, FirstElements>(classes, kPanelLanes, {}, {count}), tensors);
      if (out == nullptr) return;
      ChannelRows<float> to(out, classes, row, rows_.outer);
      for (Index lane = count; lane < kPanelLanes; ++lane) to.of[lane] = buffer + memory_size_;
      LanesToRows(tensors.out, classes, to);
    });
  }

  const int threads_;
  const size_t bytes_;
  const Stores stores_;
  const bool are_overlapped_;
  const Index memory_size_;
  const AlignedMemory<float> memory_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_CLASS_KERNEL_INL_H
