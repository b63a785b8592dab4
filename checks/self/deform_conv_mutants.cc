// Wrong deformable convolutions: one loop nest over samples in which every bug is a deviation at its place.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/deform_conv.h"

namespace gradproof {
namespace {

enum class DeformConvBug {
  kNone,
  kAxesSwapped,
  kNoCutoffInGradient,
  kSlopesAveragedOnBorders,
  kNoSlopeOnBorders,
  kMaskMissingInWeightsGradient,
  kMaskMissingInOffsetGradient,
  kOffsetGroupsSwapped,
  kOffsetGroupsOfConvolution,
  kCornersMixedUp,
  kTruncatedTowardsZero,
  kClampedToEdge,
  kNothingBeforeZero,
  kTapsColumnMajor,
  kCornerAssigned,
  kLastOffsetGroupOnly,
};

// Where a sample lies on an axis.
struct Place {
  float position = 0;
  Index low = 0;
  float weight[2] = {0, 0};
  bool inside = false, on_border = false;
};

class NaiveDeformConv {
 public:
  NaiveDeformConv(const NaiveCall& call, DeformConvBug bug)
      : call_(call), bug_(bug), a_(deform_conv_attributes(call.attributes)), h_(a_.height()), w_(a_.width()) {}

  void run() {
    call_.zero_outputs();
    if (call_.pass.is_forward() && a_.bias) fill_bias();
    for (Index n = 0; n < a_.mb; ++n)
      for (Index oh = 0; oh < h_.out(); ++oh)
        for (Index ow = 0; ow < w_.out(); ++ow) visit(n, oh, ow);
  }

 private:
  // One tap of one channel at one pixel.
  struct Sample {
    Index n, c, tap, field, pixel;  // field: channel of the mask, and half that of the offsets
    Place y, x;
    float mask = 1;
    bool nowhere = false;
  };

  bool is(DeformConvBug bug) const { return bug_ == bug; }
  Index pixels() const { return a_.window.out_count(); }
  Index taps() const { return a_.window.taps(); }

  void fill_bias() const {
    for (Index i = 0; i < call_.count("dst"); ++i) call_.floats("dst")[i] = call_.floats("bias")[i / pixels() % a_.oc];
  }

  void visit(Index n, Index oh, Index ow) {
    if (call_.pass.slot == "bias") return add_bias(n, oh * w_.out() + ow);
    for (Index c = 0; c < a_.ic; ++c)
      for (Index kh = 0; kh < h_.kernel; ++kh)
        for (Index kw = 0; kw < w_.kernel; ++kw) {
          const Sample s = locate(n, c, kh, kw, oh, ow);
          const Index first_oc = c / a_.ic_per_group() * a_.oc_per_group();
          if (call_.pass.is_forward() || call_.pass.slot == "weights")
            for (Index oc = first_oc; oc < first_oc + a_.oc_per_group(); ++oc) multiply(s, oc);
          else
            give_back(s, column_gradient(s, first_oc));
        }
  }

  void add_bias(Index n, Index pixel) const {
    for (Index oc = 0; oc < a_.oc; ++oc)
      call_.floats("diff_bias")[oc] += call_.floats("diff_dst")[(n * a_.oc + oc) * pixels() + pixel];
  }

  Index offset_group(Index c) const {
    if (is(DeformConvBug::kOffsetGroupsSwapped)) return a_.og - 1 - c / a_.ic_per_offset_group();
    if (is(DeformConvBug::kOffsetGroupsOfConvolution)) return std::min(c / a_.ic_per_group(), a_.og - 1);
    return c / a_.ic_per_offset_group();
  }

  Sample locate(Index n, Index c, Index kh, Index kw, Index oh, Index ow) const {
    Sample s;
    s.n = n;
    s.c = c;
    s.tap = kh * w_.kernel + kw;
    s.field = offset_group(c) * taps() + (is(DeformConvBug::kTapsColumnMajor) ? kw * h_.kernel + kh : s.tap);
    s.pixel = oh * w_.out() + ow;
    const float* offset = call_.floats("offset") + (n * a_.offset_channels() + 2 * s.field) * pixels() + s.pixel;
    const bool swapped = is(DeformConvBug::kAxesSwapped);
    const float offset_y = offset[swapped ? pixels() : 0], offset_x = offset[swapped ? 0 : pixels()];
    s.nowhere = std::isnan(offset_y) || std::isnan(offset_x);
    s.y = place(h_, oh * h_.stride - h_.pad_lo + kh * h_.dilation, offset_y);
    s.x = place(w_, ow * w_.stride - w_.pad_lo + kw * w_.dilation, offset_x);
    if (a_.mask) s.mask = call_.floats("mask")[(n * a_.mask_channels() + s.field) * pixels() + s.pixel];
    return s;
  }

  Place place(const WindowAxis& axis, Index origin, float offset) const {
    Place at;
    if (!(std::abs(offset) < 1e6F)) return at;
    const float floor = is(DeformConvBug::kTruncatedTowardsZero) ? std::trunc(offset) : std::floor(offset);
    at.low = origin + static_cast<Index>(floor);
    at.weight[0] = floor + 1 - offset;
    at.weight[1] = offset - floor;
    at.on_border = at.weight[1] == 0;
    const Index first = is(DeformConvBug::kNothingBeforeZero) ? 0 : -1;
    const bool cut =
        at.low == -1 && at.on_border && !(is(DeformConvBug::kNoCutoffInGradient) && !call_.pass.is_forward());
    at.inside = at.low >= first && at.low < axis.in && !cut;
    return at;
  }

  // Element of src, or -1 where there is none.
  Index corner(const Sample& s, Index r, Index q) const {
    Index ih = s.y.low + r, iw = s.x.low + q;
    if (is(DeformConvBug::kClampedToEdge)) {
      ih = std::clamp<Index>(ih, 0, h_.in - 1);
      iw = std::clamp<Index>(iw, 0, w_.in - 1);
    }
    if (!s.y.inside || !s.x.inside || s.nowhere || ih < 0 || ih >= h_.in || iw < 0 || iw >= w_.in) return -1;
    return ((s.n * a_.ic + s.c) * h_.in + ih) * w_.in + iw;
  }
  float value(const Sample& s, Index r, Index q) const {
    const Index at = corner(s, r, q);
    return at < 0 ? 0.0F : call_.floats("src")[at];
  }
  float weight(const Sample& s, Index r, Index q) const {
    if (is(DeformConvBug::kCornersMixedUp) && r != q) std::swap(r, q);
    return s.y.weight[r] * s.x.weight[q];
  }

  float sampled(const Sample& s) const {
    if (s.nowhere) return std::nanf("");
    float sum = 0;
    for (Index r = 0; r < 2; ++r)
      for (Index q = 0; q < 2; ++q)
        if (corner(s, r, q) >= 0) sum += weight(s, r, q) * value(s, r, q);
    return sum;
  }

  // dS/dy (axis 0) or dS/dx (axis 1).
  float slope(const Sample& s, int axis) const {
    if (s.nowhere) return std::nanf("");
    const Place& along = axis == 0 ? s.y : s.x;
    const Place& across = axis == 0 ? s.x : s.y;
    if (along.on_border && is(DeformConvBug::kNoSlopeOnBorders)) return 0;
    const auto at = [&](Index step, Index side) { return axis == 0 ? value(s, step, side) : value(s, side, step); };
    const auto difference = [&](Index step) {
      return across.weight[0] * (at(step + 1, 0) - at(step, 0)) + across.weight[1] * (at(step + 1, 1) - at(step, 1));
    };
    if (!s.y.inside || !s.x.inside) return 0;
    if (along.on_border && is(DeformConvBug::kSlopesAveragedOnBorders)) return (difference(-1) + difference(0)) / 2;
    return difference(0);
  }

  Index weight_at(const Sample& s, Index oc) const {
    return (oc * a_.ic_per_group() + s.c % a_.ic_per_group()) * taps() + s.tap;
  }
  Index dst_at(const Sample& s, Index oc) const { return (s.n * a_.oc + oc) * pixels() + s.pixel; }

  // A sample's part in dst or diff_weights.
  void multiply(const Sample& s, Index oc) {
    if (call_.pass.is_forward()) {
      call_.floats("dst")[dst_at(s, oc)] += call_.floats("weights")[weight_at(s, oc)] * (s.mask * sampled(s));
    } else {
      const float mask = is(DeformConvBug::kMaskMissingInWeightsGradient) ? 1.0F : s.mask;
      call_.floats("diff_weights")[weight_at(s, oc)] += call_.floats("diff_dst")[dst_at(s, oc)] * (mask * sampled(s));
    }
  }

  // The gradient with respect to mask * S.
  float column_gradient(const Sample& s, Index first_oc) const {
    float sum = 0;
    for (Index oc = first_oc; oc < first_oc + a_.oc_per_group(); ++oc)
      sum += call_.floats("diff_dst")[dst_at(s, oc)] * call_.floats("weights")[weight_at(s, oc)];
    return sum;
  }

  void give_back(const Sample& s, float column) {
    if (call_.pass.slot == "src") return scatter(s, column);
    if (call_.pass.slot == "mask") {
      call_.floats("diff_mask")[(s.n * a_.mask_channels() + s.field) * pixels() + s.pixel] += column * sampled(s);
      return;
    }
    if (is(DeformConvBug::kLastOffsetGroupOnly) && s.field / taps() != a_.og - 1) return;
    const float mask = is(DeformConvBug::kMaskMissingInOffsetGradient) ? 1.0F : s.mask;
    for (int axis = 0; axis < 2; ++axis) {
      const bool second = (axis == 1) != is(DeformConvBug::kAxesSwapped);
      const Index at = (s.n * a_.offset_channels() + 2 * s.field + (second ? 1 : 0)) * pixels() + s.pixel;
      call_.floats("diff_offset")[at] += column * (mask * slope(s, axis));
    }
  }

  void scatter(const Sample& s, float column) {
    for (Index r = 0; r < 2; ++r)
      for (Index q = 0; q < 2; ++q) {
        const Index at = corner(s, r, q);
        if (at < 0) continue;
        float& sum = call_.floats("diff_src")[at];
        sum = (is(DeformConvBug::kCornerAssigned) ? 0.0F : sum) + column * (s.mask * weight(s, r, q));
      }
  }

  const NaiveCall& call_;
  DeformConvBug bug_;
  DeformConvAttributes a_;
  WindowAxis h_, w_;
};

Implementation wrong_deform_conv(const std::string& name, DeformConvBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveDeformConv(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> deform_conv_mutants() {
  struct Row {
    const char* name;
    DeformConvBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> everywhere{"forward", "vjp", "exact", "fd-direct"};
  const std::vector<std::string> gradients{"vjp", "fd-direct", "exact"};
  const std::vector<std::string> borders{"vjp", "exact", "kink"};  // differences stay away from borders
  const std::vector<Row> rows{
      {"axes-swapped", DeformConvBug::kAxesSwapped, "offsets read as (x, y) [Deformable-DETR 7]", everywhere},
      {"no-cutoff", DeformConvBug::kNoCutoffInGradient, "offset gradient lacks the cutoff at -1 [vision 6885]",
       borders},
      {"averaged-slopes", DeformConvBug::kSlopesAveragedOnBorders,
       "offset gradient averages both sides on whole coordinates [PyTorch 23925]", borders},
      {"no-slope", DeformConvBug::kNoSlopeOnBorders, "offset gradient is zero on whole coordinates [PyTorch 23925]",
       borders},
      {"weights-without-mask", DeformConvBug::kMaskMissingInWeightsGradient, "mask missing in the weights gradient",
       gradients},
      {"offset-without-mask", DeformConvBug::kMaskMissingInOffsetGradient, "mask missing in the offset gradient",
       gradients},
      {"offset-groups-swapped", DeformConvBug::kOffsetGroupsSwapped, "offset groups in reverse order", everywhere},
      {"offset-groups-of-g", DeformConvBug::kOffsetGroupsOfConvolution,
       "offset groups taken to be those of the convolution", everywhere},
      {"corners-mixed-up",
       DeformConvBug::kCornersMixedUp,
       "weights of two corners exchanged",
       {"forward", "vjp", "fd-direct"}},
      {"truncated",
       DeformConvBug::kTruncatedTowardsZero,
       "negative offsets truncated, not floored",
       {"forward", "vjp", "fd-direct"}},
      {"clamped-to-edge",
       DeformConvBug::kClampedToEdge,
       "corners outside take the edge's value",
       {"forward", "vjp", "fd-direct"}},
      {"nothing-before-zero",
       DeformConvBug::kNothingBeforeZero,
       "samples between -1 and 0 are dropped",
       {"forward", "vjp"}},
      {"taps-column-major", DeformConvBug::kTapsColumnMajor, "offsets of taps in column-major order", everywhere},
      {"corner-assigned", DeformConvBug::kCornerAssigned, "a corner is overwritten by its last sample", gradients},
      {"last-offset-group", DeformConvBug::kLastOffsetGroupOnly, "only the last offset group gets a gradient",
       gradients},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "deform_conv", row.what, row.oracles, wrong_deform_conv(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_deform_conv() {
  return {"healthy-deform-conv", "deform_conv", "no bug", {}, wrong_deform_conv("healthy", DeformConvBug::kNone), {}};
}

}  // namespace gradproof
