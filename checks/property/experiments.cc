// Networks learn, or cannot; statistics become better with more samples, or do not.
#include <algorithm>
#include <cmath>

#include "checks/property/images.h"
#include "checks/property/lab.h"
#include "checks/property/learner.h"
#include "checks/property/property.h"

namespace gradproof {
namespace {

// The batch from `first` on of what is kept.
Examples batch_of(const Examples& all, Index first, Index count) {
  const auto part = [&](const Array<float>& whole) {
    Shape shape = whole.shape;
    shape[0] = count;
    Array<float> result(shape);
    const Index size = element_count(shape) / count;
    std::copy_n(whole.values.begin() + first * size, count * size, result.values.begin());
    return result;
  };
  return {part(all.images), part(all.targets)};
}

// A mean over the last steps: single batches say little.
class LossCurve {
 public:
  explicit LossCurve(std::string name) : curve_{std::move(name), {}, {}} {}
  void add(double loss) {
    sum_ += loss;
    if (++steps_ % kSteps != 0) return;
    curve_.x.push_back(steps_);
    curve_.y.push_back(sum_ / kSteps);
    sum_ = 0;
  }
  const PlotCurve& curve() const { return curve_; }

 private:
  static constexpr int kSteps = 10;
  PlotCurve curve_;
  double sum_ = 0;
  int steps_ = 0;
};

// Steps become smaller until the last, so that it ends where the loss is low.
double rate_left(Index step, Index steps) { return 1 - static_cast<double>(step) / static_cast<double>(steps); }

void lenet_learns_digits(Lab& lab) {
  constexpr Index kBatch = 32, kSteps = 300, kHeldOut = 32 * kBatch, kClasses = 10;
  Learner learner(lab, "lenet5:mb=32,i=28", "softmax_cross_entropy:mb=32,c=10");
  LossCurve loss("loss");
  for (Index step = 0; step < kSteps; ++step)
    loss.add(
        learner.learn(digits(lab.seed(), "digits to learn", step * kBatch, kBatch), 0.002 * rate_left(step, kSteps)));
  Index wrong = 0;
  for (Index first = 0; first < kHeldOut; first += kBatch) {
    const Examples batch = digits(lab.seed(), "digits held out", first, kBatch);
    const float* scores = learner.answers(batch.images);
    for (Index n = 0; n < kBatch; ++n) {
      const float* row = scores + n * kClasses;
      const auto said = static_cast<float>(std::max_element(row, row + kClasses) - row);
      if (!(said == batch.targets[n])) ++wrong;
    }
  }
  const double share = static_cast<double>(wrong) / static_cast<double>(kHeldOut);
  lab.at_most("share of digits held out that are misread", share, 0.05);
  lab.found(fmt::format("reads {:.1f}% of {} digits that it never saw, after {} steps of {} images", 100 * (1 - share),
                        kHeldOut, kSteps, kBatch));
  lab.draw({"step", "mean cross-entropy of 10 batches", false, {loss.curve()}});
}

// The share of the variance of held-out coordinates that the network leaves unexplained.
double unexplained(Learner& learner, const Examples& held_out, Index batch) {
  double error = 0, variance = 0, mean[2] = {0, 0};
  const Index count = held_out.targets.shape[0];
  for (Index i = 0; i < 2 * count; ++i)
    mean[i % 2] += static_cast<double>(held_out.targets[i]) / static_cast<double>(count);
  for (Index first = 0; first < count; first += batch) {
    const Examples part = batch_of(held_out, first, batch);
    const float* answers = learner.answers(part.images);
    for (Index i = 0; i < 2 * batch; ++i) {
      const auto target = static_cast<double>(part.targets[i]);
      error += std::pow(static_cast<double>(answers[i]) - target, 2);
      variance += std::pow(target - mean[i % 2], 2);
    }
  }
  return error / variance;
}

void coordinates_need_coordinates(Lab& lab) {
  constexpr Index kBatch = 32, kSteps = 2000, kHeldOut = 8 * kBatch;
  const Examples held_out = squares(lab.seed(), "squares held out", kHeldOut, true);
  std::vector<PlotCurve> curves;
  const auto train = [&](const char* name, const std::string& attributes) {
    Learner learner(lab, "coord_regressor:mb=32,i=16,c1=16,c2=16" + attributes, "mse:mb=32,c=2");
    LossCurve loss(name);
    for (Index step = 0; step < kSteps; ++step) {
      const std::string stream = fmt::format("squares to learn, step {}", step);
      loss.add(learner.learn(squares(lab.seed(), stream.c_str(), kBatch, false), 0.01 * rate_left(step, kSteps)));
    }
    curves.push_back(loss.curve());
    return unexplained(learner, held_out, kBatch);
  };
  const double with = train("coord_conv", ""), without = train("conv", ",coords=0");
  const double explained = without > 1 ? 0 : 1 - without;  // of NaN: NaN, which is no success
  lab.at_most("variance that coord_conv leaves unexplained", with, 0.01);
  lab.at_most("variance that conv explains", explained, 0.01);
  lab.found(fmt::format("of the variance of places that were not learned, coord_conv explains {:.2f}%, conv {:.2f}%",
                        100 * (1 - with), 100 * explained));
  lab.draw({"step", "mean squared error of 10 batches", false, curves});
}

// The row and column of the largest element of a map.
std::pair<Index, Index> peak_of(const Array<Known>& maps, Index image, Index channel) {
  const Index size = maps.shape[2] * maps.shape[3];
  const auto first = maps.values.begin() + (image * maps.shape[1] + channel) * size;
  const Index place =
      std::max_element(first, first + size, [](const Known& a, const Known& b) { return a.value < b.value; }) - first;
  return {place / maps.shape[3], place % maps.shape[3]};
}

// The share of the marks that are there beside which the peak of their map lies.
double missed_marks(const Array<Known>& maps, const Scenes& of) {
  double missed = 0, present = 0;
  for (Index n = 0; n < maps.shape[0]; ++n)
    for (Index mark = 0; mark < kMarks; ++mark) {
      if (of.targets.at({n, mark}) == 0) continue;
      ++present;
      const auto [row, column] = peak_of(maps, n, mark);
      const auto down = static_cast<float>(row) - of.corners.at({n, mark, 0});
      const auto right = static_cast<float>(column) - of.corners.at({n, mark, 1});
      if (!(0 <= down && down < kMarkSize && 0 <= right && right < kMarkSize)) ++missed;
    }
  return missed / present;
}

void activation_maps_find_marks(Lab& lab) {
  constexpr Index kBatch = 32, kSteps = 600, kScenes = 256;
  const std::string network = "gap_net:ic=1,c1=16,c2=16,classes=3";
  Learner learner(lab, network + ",mb=32,ih=12,iw=18", "bce_with_logits:mb=32,c=3");
  LossCurve loss("loss");
  for (Index step = 0; step < kSteps; ++step)
    loss.add(learner.learn(scenes(lab.seed(), "scenes to learn", step * kBatch, {kBatch, 1, 12, 18}),
                           0.01 * rate_left(step, kSteps)));
  const Scenes unseen = scenes(lab.seed(), "scenes held out", 0, {kScenes, 1, 20, 30});
  Arrays<float> inputs = learner.parameters();
  inputs["src"] = unseen.images;
  inputs["linear_weights"].shape = {kMarks, 16, 1, 1};
  const Case of_maps = lab.at(network + ",mb=256,ih=20,iw=30,maps=1");
  const Array<Known> maps = lab.computed(of_maps, Pass::forward(), inputs).at("dst");
  const double share = missed_marks(maps, unseen);
  lab.at_most("share of objects beside which the peak of their map lies", share, 0.5);
  lab.found(
      fmt::format("{:.1f}% of the peaks lie on the object of their class, in {} images of 20 x 30 pixels after "
                  "learning from 12 x 18",
                  100 * (1 - share), kScenes));
  lab.draw({"step", "mean loss of 10 batches", false, {loss.curve()}});
}

double root_mean_square(const std::vector<double>& errors) {
  double sum = 0;
  for (double error : errors) sum += error * error;
  return std::sqrt(sum / static_cast<double>(errors.size()));
}

// Samples with a mean and a spread of their own: pixels of one image are alike.
Array<float> population(Lab& lab, Index samples, Index channels, Index pixels) {
  Array<float> all(Shape{samples, channels, pixels});
  for (Index i = 0; i < element_count(all.shape); ++i) {
    const Position p = position_of(i, all.shape);
    const auto normal = [&](const char* stream, const Position& at) {
      return seeded_value(lab.seed(), stream, at, Regime::kNormal, Domain::kReal);
    };
    all[i] = normal("sample", {p[0], p[1]}) + normal("pixel", p);
  }
  return all;
}

// The mean (saved) of every batch, or sample, of `size` samples of the population, minus the population's mean, 0.
std::vector<double> mean_errors(Lab& lab, const std::string& norm, const Array<float>& all, Index size) {
  const Case c = lab.at(fmt::format("{},mb={},c={},iw={}", norm, size, all.shape[1], all.shape[2]));
  Arrays<float> inputs = lab.seeded(c);
  std::vector<double> errors;
  for (Index first = 0; first < all.shape[0]; first += size) {
    std::copy_n(all.values.begin() + first * all.shape[1] * all.shape[2], size * all.shape[1] * all.shape[2],
                inputs["src"].values.begin());
    const Arrays<Known> results = lab.computed(c, Pass::forward(), inputs);
    for (const Known& mean : results.at("mean").values) errors.push_back(static_cast<double>(mean.value));
  }
  return errors;
}

// Of batches made of pairs of batches, the mean squared error is at most that of these, and less unless all pairs are
// equal: squares are convex, and the mean of a pair is the mean of its means. It holds for these samples, not on
// average.
void small_batches_have_bad_statistics(Lab& lab) {
  constexpr Index kSamples = 256, kChannels = 4, kPixels = 16, kLargest = 64;
  const Array<float> all = population(lab, kSamples, kChannels, kPixels);
  PlotCurve batch{"batch norm", {}, {}}, group{"group norm", {}, {}};
  for (Index size = 1; size <= kLargest; size *= 2) {
    for (PlotCurve* curve : {&batch, &group}) curve->x.push_back(static_cast<double>(size));
    batch.y.push_back(root_mean_square(mean_errors(lab, "batch_norm:affine=0", all, size)));
    group.y.push_back(root_mean_square(mean_errors(lab, "group_norm:affine=0,g=2", all, size)));
    if (size == 1) continue;
    const double before = batch.y[batch.y.size() - 2];
    lab.holds(fmt::format("batches of {} have a smaller error than of {}", size, size / 2), batch.y.back() < before,
              before, batch.y.back());
    lab.equal("error of group norm", group.y.front(), group.y.back());
  }
  lab.found(
      fmt::format("from 1 to {} samples, batch norm's error falls from {:.2f} to {:.2f}; group norm's stays {:.2f}",
                  kLargest, batch.y.front(), batch.y.back(), group.y.front()));
  lab.draw({"samples a batch", "error of the mean", true, {batch, group}});
}

}  // namespace

std::vector<Property> experiments() {
  return {
      {.name = "lenet5-learns-digits",
       .claim = "LeNet-5, trained for a few hundred steps by these kernels on digits that the program draws, reads "
                "more than 95% of digits that it never saw.",
       .operations = {"lenet5", "softmax_cross_entropy"},
       .pass = Pass::vjp(),
       .tier = Tier::kFull,
       .show = lenet_learns_digits},
      {.name = "coordinates-need-coord-conv",
       .claim = "A network of plain convolutions cannot learn where in an image something is (it explains less than "
                "1% of the variance); with coord_conv it can (more than 99%).",
       .operations = {"coord_regressor", "mse"},
       .pass = Pass::vjp(),
       .tier = Tier::kFull,
       .show = coordinates_need_coordinates},
      {.name = "class-activation-maps-find-objects",
       .claim =
           "gap_net, told only which objects small images hold, finds them in larger ones: most peaks of its class "
           "activation maps lie on the object of their class, where one in 24 would by chance.",
       .operations = {"gap_net", "bce_with_logits"},
       .pass = Pass::vjp(),
       .tier = Tier::kFull,
       .show = activation_maps_find_marks},
      {.name = "small-batches-have-bad-statistics",
       .claim = "The error of batch norm's statistics grows as the batch shrinks; that of group norm's does not "
                "depend on the batch.",
       .operations = {"batch_norm", "group_norm"},
       .show = small_batches_have_bad_statistics}};
}

}  // namespace gradproof
