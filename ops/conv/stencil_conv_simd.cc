#include "ops/conv/stencil_conv.h"

#include "ops/conv/planes.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/stencil_conv_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/row_stencil-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// An image's group at a time: its planes are packed into the cache, one of the input channel (forward) or one for each
// output channel (data gradient, whose result goes on from plane to plane), and rows of the result are stencils.
class StencilConv final : public ConvSum {
 public:
  StencilConv(const ConvShape& s, bool forward, int threads)
      : shape_(s),
        forward_(forward),
        threads_(threads),
        stride_(forward && IsEverySecond(s.window) ? 2 : 1),
        geometry_(!forward       ? ConvGeometry::data_gradient(s.window)
                  : stride_ == 2 ? ConvGeometry::forward_unphased(s.window)
                                 : ConvGeometry::forward(s.window)),
        phase_pitch_(geometry_.planes.phase_pitch(1)),
        plane_rows_(rows_of_planes(geometry_.planes, phase_pitch_)),
        channel_pitch_(phase_pitch_ * geometry_.planes.phase_count()),
        planes_(forward ? 1 : s.oc_per_group()),
        row_pitch_(RoundUp(geometry_.output[2])),
        // Behind the planes a vector that the last row may read.
        rows_at_(RoundUp(planes_ * channel_pitch_ + Lanes())),
        weights_at_(rows_at_ + MostSubs() * kRows * row_pitch_),
        workspace_size_(RoundUp(weights_at_ + planes_ * s.window.taps())),
        workspace_(zeroed_floats(threads * workspace_size_)),
        prefetches_(stores_for(static_cast<size_t>(
                        4 * s.mb * (s.ic * s.window.in_count() + s.oc * s.window.out_count()))) == Stores::kStreaming) {
    for (const SubConv& sub : geometry_.subs) {
      if (bundles_.empty() || !ShareRows(bundles_.back()[0].conv, sub)) bundles_.emplace_back();
      bundles_.back().push_back(PlanSub(sub, tap_count_));
      tap_count_ += static_cast<Index>(sub.taps.size());
    }
  }

  void run(const float* source, const float* weights, const float* bias, float* output) override {
    const Index items = shape_.mb * shape_.g;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* memory = workspace_.get() + thread * workspace_size_;
      const Workspace space{memory, memory + rows_at_, memory + weights_at_};
      for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item)
        RunGroup(item, source, weights, bias, output, space);
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kRows = 4;

  struct Workspace {
    float* planes;
    float* rows;     // that are not written directly
    float* weights;  // of an output: [plane][tap], in the order of the sub-convolutions' offsets
  };
  struct Sub {
    SubConv conv;
    Index first_tap;                    // in that order
    std::vector<std::int32_t> offsets;  // of the taps, ascending, and their numbers
    std::vector<Index> numbers;
    void (*four_rows)(const StencilRows&) = nullptr;  // for rectangles that are compiled
    void (*one_row)(const StencilRows&) = nullptr;
  };
  // Sub-convolutions whose outputs take turns along the same rows, one for each residue of the stride.
  using Bundle = std::vector<Sub>;

  static bool ShareRows(const SubConv& a, const SubConv& b) {
    return a.start[0] == b.start[0] && a.start[1] == b.start[1];
  }
  // Windows 2 apart that a rectangle's kernel takes from planes without phases: two thirds of the time (144 channels of
  // 56x56, 3x3, Zen 3).
  static bool IsEverySecond(const Window& window) {
    const auto& [d, h, w] = window.axes;
    const auto every_second = [](const WindowAxis& axis) { return axis.stride == 2 && axis.dilation == 1; };
    return d.kernel == 1 && d.stride == 1 && every_second(h) && every_second(w) && h.kernel == w.kernel &&
           (w.kernel == 3 || w.kernel == 5);
  }

  // Of a bundle: a stride may be far longer than a row.
  Index MostSubs() const {
    const WindowAxis& row = shape_.window.axes[2];
    return forward_ ? 1 : std::min(row.stride, row.in);
  }

  static Index Lanes() { return static_cast<Index>(hn::Lanes(hn::ScalableTag<float>())); }
  static Index RoundUp(Index value) { return (value + Lanes() - 1) / Lanes() * Lanes(); }

  Sub PlanSub(const SubConv& conv, Index first_tap) const {
    Sub sub;
    sub.conv = conv;
    sub.first_tap = first_tap;
    std::vector<Tap> taps = conv.taps;
    const auto offset = [&](const Tap& tap) { return tap.phase * phase_pitch_ + tap.offset; };
    std::sort(taps.begin(), taps.end(), [&](const Tap& a, const Tap& b) { return offset(a) < offset(b); });
    for (const Tap& tap : taps) {
      sub.offsets.push_back(static_cast<std::int32_t>(offset(tap)));
      sub.numbers.push_back(tap.number);
    }
    if (IsRectangle(sub.offsets, 3, 3)) {
      sub.four_rows = stride_ == 2 ? &StencilRectangle<2, kRows, 3, 3> : &StencilRectangle<1, kRows, 3, 3>;
      sub.one_row = stride_ == 2 ? &StencilRectangle<2, 1, 3, 3> : &StencilRectangle<1, 1, 3, 3>;
    } else if (IsRectangle(sub.offsets, 5, 5)) {
      sub.four_rows = stride_ == 2 ? &StencilRectangle<2, kRows, 5, 5> : &StencilRectangle<1, kRows, 5, 5>;
      sub.one_row = stride_ == 2 ? &StencilRectangle<2, 1, 5, 5> : &StencilRectangle<1, 1, 5, 5>;
    }
    return sub;
  }

  bool IsRectangle(const std::vector<std::int32_t>& offsets, Index height, Index width) const {
    if (static_cast<Index>(offsets.size()) != height * width) return false;
    for (Index t = 0; t < height * width; ++t)
      if (offsets[static_cast<size_t>(t)] != offsets[0] + t / width * geometry_.planes.axes[2].pitch + t % width)
        return false;
    return true;
  }

  Index PixelCount() const { return geometry_.output[0] * geometry_.output[1] * geometry_.output[2]; }

  void RunGroup(Index item, const float* source, const float* weights, const float* bias, float* output,
                const Workspace& space) const {
    const Index group = item % shape_.g;
    const Index source_count = planes_ * geometry_.planes.source_count();
    for (Index c = 0; c < planes_; ++c)
      PackChannel(plane_rows_, source + item * source_count + c * geometry_.planes.source_count(),
                  space.planes + c * channel_pitch_);
    const Index outputs = forward_ ? shape_.oc_per_group() : 1;
    const float* group_weights = weights + group * shape_.oc_per_group() * shape_.window.taps();
    for (Index out = 0; out < outputs; ++out) {
      const float value = bias == nullptr ? -0.0F : bias[group * outputs + out];  // x + -0 is x, also for x = -0
      OrderWeights(group_weights + out * shape_.window.taps(), space.weights);
      for (const Bundle& bundle : bundles_) {
        const bool fetches = prefetches_ && out == 0 && &bundle == bundles_.data();
        RunBundle(bundle, space, value, output + (item * outputs + out) * PixelCount(),
                  fetches ? source + (item + 1) * source_count : nullptr);
      }
    }
  }

  void OrderWeights(const float* HWY_RESTRICT weights, float* HWY_RESTRICT ordered) const {
    for (Index c = 0; c < planes_; ++c, weights += shape_.window.taps())
      for (const Bundle& bundle : bundles_)
        for (const Sub& sub : bundle)
          for (Index number : sub.numbers) *ordered++ = weights[number];
  }

  // All planes, a band of rows after the other, of which the last overlaps its neighbour and computes the same again;
  // meanwhile memory delivers the source of the next group, if named.
  void RunBundle(const Bundle& bundle, const Workspace& space, float bias, float* output, const float* next) const {
    const SubConv& first = bundle[0].conv;
    const bool direct = first.step[2] == 1 && planes_ == 1 && first.count[2] >= Lanes();
    const Index out_pitch = first.step[1] * geometry_.output[2];
    const Index height = first.count[1] >= kRows ? kRows : 1;
    for (Index d = 0; d < first.count[0]; ++d)
      for (Index row = 0; row < first.count[1]; row += height) {
        const Index h = std::min(row, first.count[1] - height);
        float* out = output + RowOffset(first, d, h);
        if (next != nullptr && d == 0) PrefetchSource(next, h, h + height, first.count[1]);
        const float* at = space.planes + geometry_.planes.offset(d, stride_ * h, 0);
        for (size_t i = 0; i < bundle.size(); ++i)
          RunSub(bundle[i], at, space.weights, bias, height, direct ? out : space.rows + RowsOf(i),
                 direct ? out_pitch : row_pitch_);
        if (direct) continue;
        for (Index q = 0; q < height; ++q) Join(bundle, space.rows + q * row_pitch_, out + q * out_pitch);
      }
  }

  // Where the rows of a bundle's sub-convolution i wait to be joined.
  Index RowsOf(size_t i) const { return static_cast<Index>(i) * kRows * row_pitch_; }

  // `height` rows: the sums go on from plane to plane.
  void RunSub(const Sub& sub, const float* planes, const float* weights, float bias, Index height, float* out,
              Index out_pitch) const {
    StencilRows band{nullptr, geometry_.planes.axes[2].pitch, nullptr, out, out_pitch, sub.conv.count[2], false, -0.0F};
    for (Index c = 0; c < planes_; ++c) {
      band.plane = planes + c * channel_pitch_;
      band.weights = weights + c * tap_count_ + sub.first_tap;
      band.continues = c > 0;
      if (c + 1 == planes_) band.bias = bias;
      RunBand(sub, band, height);
    }
  }

  // The part of a group's source that falls to rows [first, last) of `rows`.
  HWY_INLINE void PrefetchSource(const float* source, Index first, Index last, Index rows) const {
    const Index size = planes_ * geometry_.planes.source_count();
    for (Index i = size * first / rows / kLineFloats * kLineFloats; i < size * last / rows; i += kLineFloats)
      hwy::Prefetch(source + i);
  }

  void RunBand(const Sub& sub, StencilRows& band, Index height) const {
    if (sub.four_rows != nullptr) {
      band.plane += sub.offsets[0];
      (height == kRows ? sub.four_rows : sub.one_row)(band);
    } else {
      (height == kRows ? StencilTaps<kRows> : StencilTaps<1>)(band, sub.offsets.data(),
                                                              static_cast<Index>(sub.offsets.size()));
    }
  }

  Index RowOffset(const SubConv& sub, Index d, Index h) const {
    return ((sub.start[0] + d * sub.step[0]) * geometry_.output[1] + sub.start[1] + h * sub.step[1]) *
           geometry_.output[2];
  }

  // A row of the output from the bundle's rows.
  void Join(const Bundle& bundle, const float* rows, float* out) const {
    const auto row = [&](size_t i) { return rows + RowsOf(i); };
    const SubConv& first = bundle[0].conv;
    if (first.step[2] == 1) return CopyStrided(rows, 1, first.count[2], out);
    if (first.step[2] == 2 && bundle.size() == 2) {
      const size_t even = first.start[2] == 0 ? 0 : 1;
      return Interleave(row(even), row(1 - even), geometry_.output[2], out);
    }
    for (size_t i = 0; i < bundle.size(); ++i) {
      const SubConv& sub = bundle[i].conv;
      for (Index w = 0; w < sub.count[2]; ++w) out[sub.start[2] + w * sub.step[2]] = row(i)[w];
    }
  }

  // out[2 * i] = even[i], out[2 * i + 1] = odd[i] for the `count` elements of out.
  static void Interleave(const float* HWY_RESTRICT even, const float* HWY_RESTRICT odd, Index count,
                         float* HWY_RESTRICT out) {
    const hn::ScalableTag<float> d;
    const Index pairs = count / 2;
    const auto store_vector = [&](Index i) HWY_ATTR {
      hn::StoreInterleaved2(hn::LoadU(d, even + i), hn::LoadU(d, odd + i), d, out + 2 * i);
    };
    Index i = 0;
    for (; i + Lanes() <= pairs; i += Lanes()) store_vector(i);
    if (i < pairs && pairs >= Lanes()) store_vector(pairs - Lanes());
    if (pairs < Lanes())
      for (; i < pairs; ++i) {
        out[2 * i] = even[i];
        out[2 * i + 1] = odd[i];
      }
    if (count % 2 != 0) out[count - 1] = even[pairs];
  }

  ConvShape shape_;
  bool forward_;
  int threads_;
  Index stride_;  // between outputs, in elements of the planes
  ConvGeometry geometry_;
  Index phase_pitch_;
  std::vector<PlaneRows> plane_rows_;  // of a channel
  Index channel_pitch_;
  Index planes_;
  Index row_pitch_;
  Index rows_at_, weights_at_, workspace_size_;
  AlignedMemory<float> workspace_;
  bool prefetches_;  // the tensors exceed the caches
  std::vector<Bundle> bundles_;
  Index tap_count_ = 0;  // of all sub-convolutions together
};

std::unique_ptr<ConvSum> PlanStencilConv(const ConvShape& shape, bool forward, int threads) {
  return std::make_unique<StencilConv>(shape, forward, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanStencilConv);

std::unique_ptr<ConvSum> plan_stencil_conv(const ConvShape& shape, bool forward, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanStencilConv)(shape, forward, threads);
}

}  // namespace gradproof
#endif  // HWY_ONCE
