// Operations that others can do as well: a variant keeps its name, and what it reduces to is shown.
#include <algorithm>

#include "checks/property/lab.h"
#include "checks/property/property.h"

namespace gradproof {
namespace {

const Pass kOnward = Pass::forward();

void is_the_data_gradient(Lab& lab, const Case& transposed, const Case& conv) {
  for (Regime regime : kWholeAndReal) {
    const Arrays<float> inputs = lab.seeded(transposed, kOnward, regime);
    Arrays<float> cotangent = lab.seeded(conv, Pass::vjp("src"), regime);
    cotangent["diff_dst"] = inputs.at("src");
    cotangent["weights"] = inputs.at("weights");
    lab.agree("dst", lab.known(transposed, kOnward, inputs).at("dst"),
              lab.known(conv, Pass::vjp("src"), cotangent).at("diff_src"));
  }
}

// The second pair of cases states the size of the output, by dilation and output padding, twice: no other oracle has
// more than the operation's own word for it.
void transposed_is_the_data_gradient(Lab& lab) {
  is_the_data_gradient(lab, lab.at("conv_transpose:mb=2,ic=3,ih=4,iw=5,oc=2,k=3,sh=2,sw=3,ph=1,bias=0"),
                       lab.at("conv:mb=2,ic=2,ih=7,iw=15,oc=3,k=3,sh=2,sw=3,ph=1,bias=0"));
  is_the_data_gradient(
      lab, lab.at("conv_transpose:mb=1,ic=3,ih=4,iw=3,oc=2,kh=2,kw=3,sh=2,sw=3,ph=1,dh=3,dw=2,oph=1,opw=2,bias=0"),
      lab.at("conv:mb=1,ic=2,ih=9,iw=13,oc=3,kh=2,kw=3,sh=2,sw=3,ph=1,dh=3,dw=2,bias=0"));
}

// On 5 x 9 pixels, where coordinates are multiples of 1/4 and float32 holds them.
void coordinates_are_channels(Lab& lab) {
  constexpr Index kChannels = 3, kRow = 2, kColumn = 4;
  const Case with = lab.at("coord_conv:mb=2,ic=3,ih=5,iw=9,oc=4,k=3,p=1");
  const Case plain = lab.at("conv:mb=2,ic=5,ih=5,iw=9,oc=4,k=3,p=1");
  Arrays<float> inputs = lab.seeded(with);
  const Array<Known> expected = lab.known(with, kOnward, inputs).at("dst");
  Array<float> appended(Shape{2, kChannels + 2, 5, 9});
  for (Index i = 0; i < element_count(appended.shape); ++i) {
    const Position p = position_of(i, appended.shape);
    appended[i] = p[1] < kChannels    ? inputs["src"].at(p)
                  : p[1] == kChannels ? static_cast<float>(p[2] - kRow) / kRow
                                      : static_cast<float>(p[3] - kColumn) / kColumn;
  }
  inputs["src"] = appended;
  lab.agree("dst", expected, lab.known(plain, kOnward, inputs).at("dst"));
}

void undeformed_is_conv(Lab& lab) {
  const std::string sizes = "mb=2,ic=3,ih=6,iw=9,oc=4,kh=3,kw=2,ph=1";
  const Case deformed = lab.at("deform_conv:" + sizes), conv = lab.at("conv:" + sizes);
  for (Regime regime : kWholeAndReal) {
    Arrays<float> inputs = lab.seeded(deformed, kOnward, regime);
    std::fill(inputs["offset"].values.begin(), inputs["offset"].values.end(), 0.0F);
    const Array<Known> in_place = lab.known(deformed, kOnward, inputs).at("dst");
    inputs.erase("offset");
    lab.agree("dst", in_place, lab.known(conv, kOnward, inputs).at("dst"));
  }
}

// The second convolution is 1x1: sums over channels, of numbers that are known.
void space_then_channels(Lab& lab) {
  const Case both = lab.at("depthwise_separable_conv:mb=2,ic=3,ih=6,iw=9,oc=4,k=3,p=1,bias=0");
  const Case depthwise = lab.at("conv:mb=2,ic=3,ih=6,iw=9,oc=3,g=3,k=3,p=1,bias=0");
  for (Regime regime : kWholeAndReal) {
    const Arrays<float> inputs = lab.seeded(both, kOnward, regime);
    const Array<Known> expected = lab.known(both, kOnward, inputs).at("dst");
    const Array<Known> mid =
        lab.known(depthwise, kOnward, {{"src", inputs.at("src")}, {"weights", inputs.at("weights_dw")}}).at("dst");
    const Array<float>& mixing = inputs.at("weights_pw");
    Array<Known> mixed(expected.shape);
    for (Index i = 0; i < element_count(mixed.shape); ++i) {
      const Position p = position_of(i, mixed.shape);
      for (Index m = 0; m < mid.shape[1]; ++m)
        mixed[i] += Known(static_cast<double>(mixing.at({p[1], m}))) * mid.at({p[0], m, p[2], p[3]});
    }
    lab.agree("dst", expected, mixed);
  }
}

void cross_entropy_picks_from_log_softmax(Lab& lab) {
  const Case loss = lab.at("softmax_cross_entropy:mb=5,c=7,reduction=0");
  const Case logarithms = lab.at("log_softmax:mb=5,c=7,axis=1");
  const Arrays<float> inputs = lab.seeded(loss);
  const Array<Known> losses = lab.known(loss, kOnward, inputs).at("dst");
  const Array<Known> logs = lab.known(logarithms, kOnward, {{"src", inputs.at("src")}}).at("dst");
  Array<Known> picked(losses.shape);
  for (Index n = 0; n < losses.shape[0]; ++n)
    picked[n] = Known(0.0) - logs.at({n, static_cast<Index>(inputs.at("target")[n])});
  lab.agree("losses", losses, picked);
}

}  // namespace

std::vector<Property> reduction_properties() {
  return {{.name = "conv-transpose-is-the-data-gradient",
           .claim = "A transposed convolution is the gradient of a convolution with respect to its data.",
           .operations = {"conv_transpose", "conv"},
           .show = transposed_is_the_data_gradient},
          {.name = "coord-conv-is-conv-with-coordinates",
           .claim = "coord_conv is a convolution of the image with two more channels, in which each pixel says where "
                    "it is.",
           .operations = {"coord_conv", "conv"},
           .show = coordinates_are_channels},
          {.name = "deform-conv-without-offsets-is-conv",
           .claim = "A deformable convolution whose offsets are zero is a convolution.",
           .operations = {"deform_conv", "conv"},
           .show = undeformed_is_conv},
          {.name = "depthwise-separable-conv-is-two-convs",
           .claim = "A depthwise separable convolution is a depthwise one, then sums over channels at every pixel.",
           .operations = {"depthwise_separable_conv", "conv"},
           .show = space_then_channels},
          {.name = "cross-entropy-picks-from-log-softmax",
           .claim = "The cross-entropy of a label is its element of log_softmax, negated.",
           .operations = {"softmax_cross_entropy", "log_softmax"},
           .show = cross_entropy_picks_from_log_softmax}};
}

}  // namespace gradproof
