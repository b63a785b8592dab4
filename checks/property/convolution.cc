// What convolutions have in common with each other and with linear layers, and what they save.
#include <cmath>

#include "checks/property/lab.h"
#include "checks/property/property.h"

namespace gradproof {
namespace {

const Pass kForward = Pass::forward();

// The same numbers moved down and to the right; zeros enter.
Array<float> moved(const Array<float>& image, Index down, Index right) {
  return rearranged(image, image.shape, [&](const Position& p) -> std::optional<Position> {
    if (p[2] < down || p[3] < right) return {};
    return Position{p[0], p[1], p[2] - down, p[3] - right};
  });
}

// Without the first rows and columns, or without the last.
Array<Known> without_first(const Array<Known>& map, Index rows, Index columns) {
  return rearranged(map, {map.shape[0], map.shape[1], map.shape[2] - rows, map.shape[3] - columns},
                    [&](const Position& p) {
                      return Position{p[0], p[1], p[2] + rows, p[3] + columns};
                    });
}
Array<Known> without_last(const Array<Known>& map, Index rows, Index columns) {
  return rearranged(map, {map.shape[0], map.shape[1], map.shape[2] - rows, map.shape[3] - columns},
                    [](const Position& p) { return p; });
}

// Flipped in space, and input channels for output channels.
Array<float> turned_round(const Array<float>& weights) {
  const Shape& s = weights.shape;
  return rearranged(weights, {s[1], s[0], s[2], s[3]}, [&](const Position& p) {
    return Position{p[1], p[0], s[2] - 1 - p[2], s[3] - 1 - p[3]};
  });
}

// Elements `apart` rows and columns from each other, zeros between.
Array<float> spread_out(const Array<float>& dense, Index rows, Index columns) {
  const Shape& s = dense.shape;
  const Shape wide{s[0], s[1], (s[2] - 1) * rows + 1, (s[3] - 1) * columns + 1};
  return rearranged(dense, wide, [&](const Position& p) -> std::optional<Position> {
    if (p[2] % rows != 0 || p[3] % columns != 0) return {};
    return Position{p[0], p[1], p[2] / rows, p[3] / columns};
  });
}

// With 12 bits: products of two such numbers are float32 numbers.
Array<float> coarse(Array<float> numbers) {
  for (float& x : numbers.values) x = std::round(x * 256) / 256;
  return numbers;
}

void commutes_with_translation(Lab& lab) {
  constexpr Index kDown = 2, kRight = 1;
  const auto both_ways = [&](const Case& c, Regime regime, auto judge) {
    Arrays<float> inputs = lab.seeded(c, kForward, regime);
    const Arrays<Known> still = lab.known(c, kForward, inputs);
    inputs["src"] = moved(inputs["src"], kDown, kRight);
    const Arrays<Known> shifted = lab.known(c, kForward, inputs);
    judge(without_last(still.at("dst"), kDown, kRight), without_first(shifted.at("dst"), kDown, kRight));
  };
  for (Regime regime : kWholeAndReal)
    both_ways(lab.at("conv:mb=2,ic=3,ih=9,iw=20,oc=4,k=3"), regime,
              [&](const auto& a, const auto& b) { lab.agree("moved dst of conv", a, b); });
  both_ways(lab.at("local_conv:mb=1,ic=2,ih=6,iw=7,oc=3,k=3"), Regime::kNormal,
            [&](const auto& a, const auto& b) { lab.differ("local_conv does not commute", a, b); });
}

void backward_is_flipped_convolution(Lab& lab) {
  const Case c = lab.at("conv:mb=2,ic=3,ih=7,iw=9,oc=4,kh=3,kw=2,ph=1");
  const Case flipped = lab.at("conv:mb=2,ic=4,ih=7,iw=8,oc=3,kh=3,kw=2,ph=1,pw=1,bias=0");
  for (Regime regime : kWholeAndReal) {
    const Arrays<float> inputs = lab.seeded(c, Pass::vjp("src"), regime);
    const Arrays<Known> back = lab.known(c, Pass::vjp("src"), inputs);
    const Arrays<Known> forth =
        lab.known(flipped, kForward, {{"src", inputs.at("diff_dst")}, {"weights", turned_round(inputs.at("weights"))}});
    lab.agree("diff_src", back.at("diff_src"), forth.at("dst"));
  }
}

void transposed_is_convolution_of_inserted_zeros(Lab& lab) {
  const Case c = lab.at("conv_transpose:mb=2,ic=3,ih=4,iw=5,oc=2,k=3,sh=2,sw=3,ph=1,bias=0");
  const Case plain = lab.at("conv:mb=2,ic=3,ih=7,iw=13,oc=2,k=3,ph=1,pw=2,bias=0");
  for (Regime regime : kWholeAndReal) {
    const Arrays<float> inputs = lab.seeded(c, kForward, regime);
    const Arrays<Known> transposed = lab.known(c, kForward, inputs);
    const Arrays<Known> inserted =
        lab.known(plain, kForward,
                  {{"src", spread_out(inputs.at("src"), 2, 3)}, {"weights", turned_round(inputs.at("weights"))}});
    lab.agree("dst", transposed.at("dst"), inserted.at("dst"));
  }
}

void shared_weights_receive_the_sum(Lab& lab) {
  const std::string sizes = "mb=2,ic=3,ih=6,iw=7,oc=4,k=3";
  const Case shared = lab.at("conv:" + sizes), own = lab.at("local_conv:" + sizes);
  for (Regime regime : kWholeAndReal)
    for (const char* slot : {"weights", "bias"}) {
      const Pass pass = Pass::vjp(slot);
      const std::string diff = std::string("diff_") + slot;
      const Arrays<float> inputs = lab.seeded(shared, pass, regime);
      Arrays<float> own_inputs = lab.seeded(own, pass, regime);
      for (const char* same : {"src", "diff_dst"}) own_inputs[same] = inputs.at(same);
      const Arrays<Known> sum = lab.known(shared, pass, inputs), terms = lab.known(own, pass, own_inputs);
      const Shape& shape = sum.at(diff).shape;
      lab.agree(diff, sum.at(diff), summed(terms.at(diff), shape, [&](const Position& p) {
                  Position use;  // without the position at which it was used
                  for (int axis = 0; axis < shape.rank(); ++axis) use.push_back(p[axis]);
                  return use;
                }));
    }
}

void pointwise_is_linear_at_every_pixel(Lab& lab) {
  constexpr Index kHeight = 3, kWidth = 7;
  const Case conv = lab.at("conv:mb=2,ic=5,ih=3,iw=7,oc=6,k=1"), linear = lab.at("linear:mb=42,ic=5,oc=6");
  const auto as_rows = [](const auto& map) {
    const Shape& s = map.shape;
    return rearranged(map, {s[0] * kHeight * kWidth, s[1]}, [](const Position& p) {
      const Index pixel = p[0] % (kHeight * kWidth);
      return Position{p[0] / (kHeight * kWidth), p[1], pixel / kWidth, pixel % kWidth};
    });
  };
  const auto as_matrix = [](const auto& weights) {
    return rearranged(weights, {weights.shape[0], weights.shape[1]}, [](const Position& p) {
      return Position{p[0], p[1], 0, 0};
    });
  };
  for (Regime regime : kWholeAndReal)
    for (const Pass& pass : {kForward, Pass::vjp("src"), Pass::vjp("weights")}) {
      Arrays<float> inputs = lab.seeded(conv, pass, regime);
      const Arrays<Known> of_conv = lab.known(conv, pass, inputs);
      for (const char* map : {"src", "diff_dst"})
        if (inputs.contains(map)) inputs[map] = as_rows(inputs[map]);
      if (inputs.contains("weights")) inputs["weights"] = as_matrix(inputs["weights"]);
      const Arrays<Known> of_linear = lab.known(linear, pass, inputs);
      for (const auto& [name, result] : of_linear)
        lab.agree(name, name == "diff_weights" ? as_matrix(of_conv.at(name)) : as_rows(of_conv.at(name)), result);
    }
}

void separable_is_convolution_of_rank_one(Lab& lab) {
  const std::string sizes = "mb=2,ic=3,ih=7,iw=9,oc=4,kh=3,kw=4,ph=1";
  const Case separable = lab.at("separable_conv:" + sizes), conv = lab.at("conv:" + sizes);
  for (Regime regime : kWholeAndReal) {
    Arrays<float> inputs = lab.seeded(separable, kForward, regime);
    const Array<float> v = inputs["weights_v"] = coarse(inputs["weights_v"]);
    const Array<float> h = inputs["weights_h"] = coarse(inputs["weights_h"]);
    Array<float> outer(Shape{4, 3, 3, 4});
    for (Index i = 0; i < element_count(outer.shape); ++i) {
      const Position p = position_of(i, outer.shape);
      outer[i] = v.at({p[0], p[1], p[2]}) * h.at({p[0], p[1], p[3]});
    }
    const Arrays<Known> by_vectors = lab.known(separable, kForward, inputs);
    const Arrays<Known> by_kernels =
        lab.known(conv, kForward, {{"src", inputs["src"]}, {"weights", outer}, {"bias", inputs["bias"]}});
    lab.agree("dst", by_vectors.at("dst"), by_kernels.at("dst"));
  }
}

void dilated_is_larger_kernel(Lab& lab) {
  const Case dilated = lab.at("conv:mb=2,ic=3,ih=9,iw=11,oc=4,kh=3,kw=2,dh=2,dw=3,ph=2,pw=1");
  const Case larger = lab.at("conv:mb=2,ic=3,ih=9,iw=11,oc=4,kh=5,kw=4,ph=2,pw=1");
  for (Regime regime : kWholeAndReal) {
    Arrays<float> inputs = lab.seeded(dilated, kForward, regime);
    const Arrays<Known> sparse = lab.known(dilated, kForward, inputs);
    inputs["weights"] = spread_out(inputs["weights"], 2, 3);
    lab.agree("dst", sparse.at("dst"), lab.known(larger, kForward, inputs).at("dst"));
  }
}

// Of ones, every output is the number of products that are summed into it: the kernels count for themselves.
double counted_products(Lab& lab, const Case& c) {
  Arrays<float> ones = lab.seeded(c);
  for (auto& [name, array] : ones) std::fill(array.values.begin(), array.values.end(), 1.0F);
  const Arrays<Known> counts = lab.computed(c, kForward, ones);
  double sum = 0;
  for (const Known& count : counts.at("dst").values) sum += static_cast<double>(count.value);
  return sum;
}

double parameters(const Case& c) {
  double count = 0;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, kForward))
    if (!argument.written && argument.name != "src") count += static_cast<double>(element_count(argument.shape));
  return count;
}

double stated_products(const Case& c) { return c.spec->cost(c.attributes, kForward).flops / 2; }

// Of a 3x3 convolution of 12 channels to 18 on 9x9 pixels of dst.
void savings_are_as_stated(Lab& lab) {
  constexpr double kIn = 12, kOut = 18, kTaps = 9, kPixels = 81;
  const std::string sizes = "mb=1,ic=12,i=11,bias=0,";
  const auto conv = [&](const std::string& rest, double parameter_count) {
    const Case c = lab.at("conv:" + sizes + rest);
    lab.equal("parameters of " + rest, parameter_count, parameters(c));
    lab.equal("products stated of " + rest, parameter_count * kPixels, stated_products(c));
    lab.equal("products counted of " + rest, parameter_count * kPixels, counted_products(lab, c));
  };
  conv("oc=18,k=3", kIn * kOut * kTaps);
  conv("oc=18,k=3,g=3", kIn * kOut * kTaps / 3);
  conv("oc=12,k=3,g=12", kIn * kTaps);
  const Case apart = lab.at("depthwise_separable_conv:" + sizes + "oc=18,k=3");
  lab.equal("parameters, space and channels apart", kIn * kTaps + kIn * kOut, parameters(apart));
  lab.equal("products, space and channels apart", (kIn * kTaps + kIn * kOut) * kPixels, stated_products(apart));
  const Case rank_one = lab.at("separable_conv:" + sizes + "oc=18,k=3");
  lab.equal("parameters of rank one", kIn * kOut * (3 + 3), parameters(rank_one));
  // Down the columns for all 11 of them, then along the rows: 3 x 11 + 3 x 9 products a row, where 9 x 9 are replaced.
  lab.equal("products of rank one", kIn * kOut * 9 * (3 * 11 + 3 * 9), stated_products(rank_one));
}

}  // namespace

std::vector<Property> convolution_properties() {
  return {{.name = "conv-commutes-with-translation",
           .claim = "Convolving a moved image gives the moved result; with weights of its own at every position it "
                    "does not.",
           .operations = {"conv", "local_conv"},
           .show = commutes_with_translation},
          {.name = "conv-backward-is-flipped-conv",
           .claim = "The backward pass of a convolution with stride 1 is a convolution with the flipped kernel.",
           .operations = {"conv"},
           .pass = Pass::vjp("src"),
           .show = backward_is_flipped_convolution},
          {.name = "conv-transpose-is-conv-of-inserted-zeros",
           .claim = "A transposed convolution is a convolution, with the flipped kernel, of its input with zeros "
                    "inserted and padded to excess.",
           .operations = {"conv_transpose", "conv"},
           .show = transposed_is_convolution_of_inserted_zeros},
          {.name = "shared-weights-receive-the-sum",
           .claim = "Shared weights receive the sum of the gradients of all their uses.",
           .operations = {"local_conv", "conv"},
           .pass = Pass::vjp("weights"),
           .show = shared_weights_receive_the_sum},
          {.name = "pointwise-conv-is-linear",
           .claim = "A 1x1 convolution is a linear layer at every pixel, forward and backward.",
           .operations = {"linear", "conv"},
           .show = pointwise_is_linear_at_every_pixel},
          {.name = "separable-conv-is-conv-of-rank-1",
           .claim = "A separable convolution is the convolution with the outer products of its vectors.",
           .operations = {"separable_conv", "conv"},
           .show = separable_is_convolution_of_rank_one},
          {.name = "dilation-is-a-larger-kernel",
           .claim = "A dilated convolution is one with a larger kernel that has zeros inserted.",
           .operations = {"conv"},
           .show = dilated_is_larger_kernel},
          {.name = "cheaper-forms-save-as-stated",
           .claim = "Grouped, depthwise and separable forms have exactly the stated parameters and multiply-adds; the "
                    "kernels count the products themselves.",
           .operations = {"conv", "depthwise_separable_conv", "separable_conv"},
           .show = savings_are_as_stated}};
}

}  // namespace gradproof
