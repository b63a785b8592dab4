// Wrong convolutions with coordinates: one loop nest in which every bug is a deviation at its place.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/coord_conv.h"

namespace gradproof {
namespace {

enum class CoordConvBug {
  kNone,
  kSizeOfOtherAxis,
  kRadiusCentre,
  kAxesSwapped,
  kContinuedInPadding,
  kSingleAtEdge,
  kPixelCentres,
  kOutputGrid,
  kCoordinatesFirst,
  kGradientShifted,
  kGradientOfFirstSample,
  kRadiusSquared,
};

class NaiveCoordConv {
 public:
  NaiveCoordConv(const NaiveCall& call, CoordConvBug bug)
      : call_(call),
        bug_(bug),
        a_(coord_conv_attributes(call.attributes)),
        h_(a_.window.axes[1]),
        w_(a_.window.axes[2]) {}

  void run() {
    call_.zero_outputs();
    for (Index n = 0; n < a_.mb; ++n)
      for (Index oc = 0; oc < a_.oc; ++oc)
        for (Index oh = 0; oh < h_.out(); ++oh)
          for (Index ow = 0; ow < w_.out(); ++ow) visit(n, oc, oh, ow);
  }

 private:
  bool is(CoordConvBug bug) const { return bug_ == bug; }

  void visit(Index n, Index oc, Index oh, Index ow) {
    const Index dst = ((n * a_.oc + oc) * h_.out() + oh) * w_.out() + ow;
    if (call_.pass.slot == "bias") {
      call_.floats("diff_bias")[oc] += call_.floats("diff_dst")[dst];
      return;
    }
    for (Index c = 0; c < a_.channels(); ++c)
      for (Index kh = 0; kh < h_.kernel; ++kh)
        for (Index kw = 0; kw < w_.kernel; ++kw) {
          const Index weight = ((oc * a_.channels() + c) * h_.kernel + kh) * w_.kernel + kw;
          const Index ih = oh * h_.stride - h_.pad_lo + kh * h_.dilation;
          const Index iw = ow * w_.stride - w_.pad_lo + kw * w_.dilation;
          term(n, c, ih, iw, is(CoordConvBug::kOutputGrid) ? oh : ih, is(CoordConvBug::kOutputGrid) ? ow : iw, weight,
               dst);
        }
    if (const float* bias = call_.floats("bias"); bias != nullptr && call_.pass.is_forward())
      call_.floats("dst")[dst] += bias[oc];
  }

  // `at_h` and `at_w` say where the coordinates are taken.
  void term(Index n, Index c, Index ih, Index iw, Index at_h, Index at_w, Index weight, Index dst) {
    const bool inside = 0 <= ih && ih < h_.in && 0 <= iw && iw < w_.in;
    const Index channel = is(CoordConvBug::kCoordinatesFirst) ? (c + a_.ic) % a_.channels() : c;
    const Index src = ((n * a_.ic + channel) * h_.in + ih) * w_.in + iw;
    if (call_.pass.slot == "src") {
      const Index taps = h_.kernel * w_.kernel;
      if (inside && channel < a_.ic)
        call_.floats("diff_src")[src] +=
            call_.floats("diff_dst")[dst] *
            call_.floats("weights")[is(CoordConvBug::kGradientShifted) ? weight + a_.coordinates() * taps : weight];
      return;
    }
    float x = 0;
    if (channel < a_.ic)
      x = inside ? call_.floats("src")[src] : 0;
    else if (inside || is(CoordConvBug::kContinuedInPadding))
      x = coordinate(channel - a_.ic, at_h, at_w);
    if (call_.pass.is_forward()) {
      call_.floats("dst")[dst] += call_.floats("weights")[weight] * x;
    } else if (!(is(CoordConvBug::kGradientOfFirstSample) && channel >= a_.ic && n > 0)) {
      call_.floats("diff_weights")[weight] += call_.floats("diff_dst")[dst] * x;
    }
  }

  float coordinate(Index number, Index ih, Index iw) const {
    const Index rows = is(CoordConvBug::kOutputGrid) ? h_.out() : h_.in;
    const Index columns = is(CoordConvBug::kOutputGrid) ? w_.out() : w_.in;
    const float i = scaled(ih, rows, columns);
    const float j = scaled(iw, columns, rows);
    if (number == 0) return is(CoordConvBug::kAxesSwapped) ? j : i;
    if (number == 1) return is(CoordConvBug::kAxesSwapped) ? i : j;
    const float centre = is(CoordConvBug::kRadiusCentre) ? 0.5F : 0.0F;
    const float square = (i - centre) * (i - centre) + (j - centre) * (j - centre);
    return is(CoordConvBug::kRadiusSquared) ? square : std::sqrt(square);
  }

  float scaled(Index position, Index size, Index other) const {
    if (size == 1) return is(CoordConvBug::kSingleAtEdge) ? -1.0F : 0.0F;
    if (is(CoordConvBug::kPixelCentres)) return static_cast<float>(2 * position + 1 - size) / static_cast<float>(size);
    const Index span = is(CoordConvBug::kSizeOfOtherAxis) && other > 1 ? other - 1 : size - 1;
    return static_cast<float>(2 * position - (size - 1)) / static_cast<float>(span);
  }

  const NaiveCall& call_;
  CoordConvBug bug_;
  CoordConvAttributes a_;
  WindowAxis h_, w_;
};

Implementation wrong_coord_conv(const std::string& name, CoordConvBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveCoordConv(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> coord_conv_mutants() {
  struct Row {
    const char* name;
    CoordConvBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> coordinates{"forward", "vjp", "fd-direct"};
  const std::vector<std::string> gradients{"vjp", "fd-direct"};
  const std::vector<Row> rows{
      {"other-axis-size", CoordConvBug::kSizeOfOtherAxis, "coordinates divided by the size of the other axis",
       coordinates},
      {"radius-centre", CoordConvBug::kRadiusCentre, "radius taken from (0.5, 0.5) [uber-research/CoordConv]",
       coordinates},
      {"axes-swapped", CoordConvBug::kAxesSwapped, "i runs over columns and j over rows", coordinates},
      {"continued-in-padding", CoordConvBug::kContinuedInPadding, "coordinates go on in the padding", coordinates},
      {"single-at-edge", CoordConvBug::kSingleAtEdge, "an axis of size 1 has coordinate -1", coordinates},
      {"pixel-centres", CoordConvBug::kPixelCentres, "coordinates of pixel centres, which do not reach 1", coordinates},
      {"output-grid", CoordConvBug::kOutputGrid, "coordinates of the outputs, the same for all taps", coordinates},
      {"coordinates-first",
       CoordConvBug::kCoordinatesFirst,
       "coordinates in front of src, not behind",
       {"forward", "vjp", "fd-direct"}},
      {"gradient-shifted", CoordConvBug::kGradientShifted,
       "source gradient by the weights of the channels two further on", gradients},
      {"gradient-of-first-sample", CoordConvBug::kGradientOfFirstSample,
       "weight gradient of the coordinates summed over one sample, not the batch", gradients},
      {"radius-squared", CoordConvBug::kRadiusSquared, "radius without its root", coordinates},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "coord_conv", row.what, row.oracles, wrong_coord_conv(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_coord_conv() {
  return {"healthy-coord-conv", "coord_conv", "no bug", {}, wrong_coord_conv("healthy", CoordConvBug::kNone), {}};
}

}  // namespace gradproof
