// What statistics depend on, and what normalization does to gradients.
#include "checks/property/lab.h"
#include "checks/property/property.h"

namespace gradproof {
namespace {

const Pass kNormalize = Pass::forward();
const std::string kImages = "mb=3,c=4,ih=3,iw=7";

Array<Known> first_sample(const Array<Known>& batch) {
  Shape shape = batch.shape;
  shape[0] = 1;
  return rearranged(batch, shape, [](const Position& p) { return p; });
}

void other_samples_matter_to_batch_norm_only(Lab& lab) {
  const auto with_another_batch = [&](const std::string& text) {
    const Case c = lab.at(text);
    Arrays<float> inputs = lab.seeded(c);
    const Array<Known> before = first_sample(lab.computed(c, kNormalize, inputs).at("dst"));
    Array<float>& src = inputs["src"];
    for (Index i = 0; i < element_count(src.shape); ++i)
      if (position_of(i, src.shape)[0] > 0) src[i] = 3 - 2 * src[i];
    return std::pair(before, first_sample(lab.computed(c, kNormalize, inputs).at("dst")));
  };
  for (const char* op : {"layer_norm:", "instance_norm:", "group_norm:g=2,", "rms_norm:"}) {
    const auto [before, after] = with_another_batch(op + kImages);
    lab.agree(std::string(op) + " first sample", before, after);
  }
  const auto [fixed, still_fixed] = with_another_batch("batch_norm:training=0," + kImages);
  lab.agree("batch_norm with running statistics", fixed, still_fixed);
  const auto [before, after] = with_another_batch("batch_norm:" + kImages);
  lab.differ("batch_norm with statistics of the batch", before, after);
}

// Forward and backward, without gamma and beta, of which layer_norm has other ones.
void group_norm_has_special_cases(Lab& lab) {
  const auto equal = [&](const std::string& special, const std::string& groups) {
    const Case a = lab.at(special + ":affine=0," + kImages);
    const Case b = lab.at("group_norm:affine=0," + groups + kImages);
    for (const Pass& pass : {kNormalize, Pass::vjp("src")}) {
      const Arrays<float> inputs = lab.seeded(a, pass);
      const char* result = pass.is_forward() ? "dst" : "diff_src";
      lab.agree(special + " " + result, lab.known(a, pass, inputs).at(result), lab.known(b, pass, inputs).at(result));
    }
  };
  equal("instance_norm", "g=4,");
  equal("layer_norm", "g=1,");
}

// With x the normalized input: sum of diff_src = 0, and sum of diff_src x = rstd gamma (1 - mean of x^2) sum of
// diff_dst x, where 1 - mean of x^2 = eps rstd^2 would be 0 without eps.
void input_gradient_is_centred_and_orthogonal(Lab& lab) {
  const Case c = lab.at("batch_norm:eps=0.0009765625," + kImages);
  constexpr double kEps = 0x1p-10;
  const Arrays<float> inputs = lab.seeded(c, Pass::vjp("src"));
  Arrays<float> plain = inputs;
  std::fill(plain["gamma"].values.begin(), plain["gamma"].values.end(), 1.0F);
  std::fill(plain["beta"].values.begin(), plain["beta"].values.end(), 0.0F);
  const Arrays<Known> forward = lab.known(c, kNormalize, plain);
  const Array<Known>& x = forward.at("dst");
  const Array<Known> gradient = lab.known(c, Pass::vjp("src"), inputs).at("diff_src");
  Array<Known> along_x = gradient, cotangent_along_x = gradient;
  for (Index i = 0; i < element_count(x.shape); ++i) {
    along_x[i] = gradient[i] * x[i];
    cotangent_along_x[i] = Known(static_cast<double>(inputs.at("diff_dst")[i])) * x[i];
  }
  const Shape channels{c.attributes.integer("c")};
  const auto by_channel = [&](const Array<Known>& terms) {
    return summed(terms, channels, [](const Position& p) { return Position{p[1]}; });
  };
  Array<Known> share_of_eps = by_channel(cotangent_along_x);
  for (Index k = 0; k < channels[0]; ++k) {
    const Known rstd = forward.at("rstd")[k], gamma(static_cast<double>(inputs.at("gamma")[k]));
    share_of_eps[k] = share_of_eps[k] * gamma * rstd * rstd * rstd * Known(kEps);
  }
  lab.agree("sum of diff_src", by_channel(gradient), Array<Known>(channels));
  lab.agree("sum of diff_src x", by_channel(along_x), share_of_eps);
}

}  // namespace

std::vector<Property> normalization_properties() {
  return {{.name = "only-batch-norm-depends-on-the-batch",
           .claim = "Batch norm's output for one sample depends on the others of the batch; that of layer, instance, "
                    "group and RMS norm does not.",
           .operations = {"batch_norm", "layer_norm", "instance_norm", "group_norm", "rms_norm"},
           .show = other_samples_matter_to_batch_norm_only},
          {.name = "group-norm-has-special-cases",
           .claim = "Instance norm is group norm with one channel a group, layer norm is group norm with one group.",
           .operations = {"group_norm", "instance_norm", "layer_norm"},
           .show = group_norm_has_special_cases},
          {.name = "batch-norm-gradient-is-orthogonal",
           .claim = "The input gradient of a batch norm sums to zero and is orthogonal to the normalized input, but "
                    "for the share that eps has in the variance.",
           .operations = {"batch_norm"},
           .pass = Pass::vjp("src"),
           .show = input_gradient_is_centred_and_orthogonal}};
}

}  // namespace gradproof
