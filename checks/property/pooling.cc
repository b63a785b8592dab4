// What pooling keeps, and where its gradients go.
#include "checks/property/lab.h"
#include "checks/property/property.h"

namespace gradproof {
namespace {

const Pass kPooling = Pass::forward();

const std::vector<std::string>& pools() {
  static const std::vector<std::string> names{
      "max_pool",          "min_pool",        "avg_pool",        "sum_pool",       "lp_pool",
      "std_pool",          "weighted_pool",   "subsample",       "mixed_pool",     "adaptive_avg_pool",
      "adaptive_max_pool", "global_avg_pool", "global_max_pool", "global_sum_pool"};
  return names;
}

// Three channels, in the sizes of the pool's first case.
Case three_channels(Lab& lab, const std::string& pool) {
  std::string sizes = "ih=6,iw=19";
  if (pool.starts_with("adaptive"))
    sizes += ",oh=2,ow=5";
  else if (!pool.starts_with("global"))
    sizes += ",k=2,s=2";
  return lab.at(pool + ":mb=2,c=3," + sizes);
}

Array<Known> channel(const Array<Known>& map, Index c) {
  Shape shape = map.shape;
  shape[1] = 1;
  return rearranged(map, shape, [&](Position p) {
    p[1] = c;
    return p;
  });
}

void channels_are_kept_apart(Lab& lab) {
  constexpr Index kChanged = 1;
  for (const std::string& pool : pools()) {
    const Case c = three_channels(lab, pool);
    Arrays<float> inputs = lab.seeded(c);
    const Array<Known> before = lab.computed(c, kPooling, inputs).at("dst");
    Array<float>& src = inputs["src"];
    for (Index i = 0; i < element_count(src.shape); ++i)
      if (position_of(i, src.shape)[1] == kChanged) src[i] = 3 - 2 * src[i];
    const Array<Known> after = lab.computed(c, kPooling, inputs).at("dst");
    lab.equal(pool + ": channels", 3, static_cast<double>(after.shape[1]));
    lab.agree(pool + ": channel 0", channel(before, 0), channel(after, 0));
    lab.agree(pool + ": channel 2", channel(before, 2), channel(after, 2));
    lab.differ(pool + ": channel 1 changes", channel(before, kChanged), channel(after, kChanged));
  }
}

// Windows of 2x2 whose largest element, 1 or more, is in one column of each; all others are less than 1/2.
Array<float> peaks(const Array<float>& noise, Index column) {
  Array<float> image = noise;
  for (Index i = 0; i < element_count(image.shape); ++i) {
    const Position p = position_of(i, image.shape);
    const float positive = std::abs(noise[i]);
    image[i] = p[2] % 2 == 0 && p[3] % 2 == column ? 1 + positive : 0.5F / (1.5F + positive);
  }
  return image;
}

Array<float> moved_right(const Array<float>& image, Index columns) {
  return rearranged(image, image.shape, [&](const Position& p) -> std::optional<Position> {
    if (p[3] < columns) return {};
    return Position{p[0], p[1], p[2], p[3] - columns};
  });
}

void small_shifts_do_not_matter(Lab& lab) {
  const Case c = lab.at("max_pool:mb=2,c=3,ih=6,iw=38,k=2,s=2");
  const Array<float> noise = lab.seeded(c).at("src");
  const auto pooled = [&](const Array<float>& image) { return lab.computed(c, kPooling, {{"src", image}}).at("dst"); };
  const Array<float> left = peaks(noise, 0), right = peaks(noise, 1);
  lab.agree("maxima that stay in their windows", pooled(left), pooled(moved_right(left, 1)));
  lab.differ("maxima that leave their windows", pooled(right), pooled(moved_right(right, 1)));
  lab.differ("a shift by a window", pooled(left), pooled(moved_right(left, 2)));
}

// One cotangent at a time, on data with ties, in windows that overlap.
void each_cotangent_has_one_receiver(Lab& lab) {
  const Case c = lab.at("max_pool:mb=1,c=2,ih=7,iw=9,k=3,s=2");
  const Pass pass = Pass::vjp("src");
  Arrays<float> inputs = lab.seeded(c, pass, Regime::kTied);
  const Array<float> src = inputs.at("src");
  const Array<Known> maxima = lab.computed(c, kPooling, {{"src", src}}).at("dst");
  Array<float>& cotangent = inputs["diff_dst"];
  for (Index sender = 0; sender < element_count(cotangent.shape); ++sender) {
    std::fill(cotangent.values.begin(), cotangent.values.end(), 0.0F);
    cotangent[sender] = 0.7F;
    const Array<Known> received = lab.computed(c, pass, inputs).at("diff_src");
    const Position window = position_of(sender, cotangent.shape);
    Index receivers = 0;
    for (Index i = 0; i < element_count(src.shape); ++i) {
      if (received[i].value == 0) continue;
      ++receivers;
      const Position p = position_of(i, src.shape);
      const bool inside = p[1] == window[1] && p[2] >= 2 * window[2] && p[2] < 2 * window[2] + 3 &&
                          p[3] >= 2 * window[3] && p[3] < 2 * window[3] + 3;
      lab.holds("the receiver is in the window", inside);
      lab.equal("and its maximum", static_cast<double>(maxima[sender].value), static_cast<double>(src[i]));
      lab.equal("and gets all", static_cast<double>(cotangent[sender]), static_cast<double>(received[i].value));
    }
    lab.equal("receivers", 1, static_cast<double>(receivers));
  }
}

}  // namespace

std::vector<Property> pooling_properties() {
  return {{.name = "pooling-keeps-channels-apart",
           .claim = "Pooling keeps the number of channels, and what it makes of one depends on no other.",
           .operations = pools(),
           .show = channels_are_kept_apart},
          {.name = "max-pool-ignores-small-shifts",
           .claim = "Maxima of 2x2 windows are unchanged by a shift that leaves each of them in its window, and change "
                    "otherwise.",
           .operations = {"max_pool"},
           .show = small_shifts_do_not_matter},
          {.name = "max-routing-has-one-receiver",
           .claim = "Max pooling sends each cotangent, all of it, to exactly one element: a maximum of its window.",
           .operations = {"max_pool"},
           .pass = Pass::vjp("src"),
           .show = each_cotangent_has_one_receiver}};
}

}  // namespace gradproof
