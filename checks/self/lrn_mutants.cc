// Wrong local response normalization.
#include <algorithm>
#include <array>
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/core/window.h"

namespace gradproof {
namespace {

enum class LrnBug {
  kNone,
  kAlphaUndivided,
  kAlphaByTerms,
  kAlphaBySize,
  kKIsOne,
  kChannelBeyond,
  kRowsRunOn,
  kEvenLooksAhead,
  kRunningDifference,
  kCoarsePower,
  kBetaLost,
  kPowerNotRaised,
  kWindowNotReversed,
  kOwnTermOnly,
  kTermOfSrc,
  kNanSwallowed,
};

class NaiveLrn {
 public:
  NaiveLrn(const NaiveCall& call, LrnBug bug)
      : call_(call),
        bug_(bug),
        size_(call.attributes.integer("size")),
        within_(call.attributes.flag("within")),
        alpha_(call.attributes.real("alpha")),
        beta_(call.attributes.real("beta")),
        k_(is(LrnBug::kKIsOne) ? 1 : call.attributes.real("k")),
        src_(call.floats("src")) {
    const Window window = window_of(call.attributes);
    extents_ = {call.attributes.integer("mb"), call.attributes.integer("c"), window.axes[0].in, window.axes[1].in,
                window.axes[2].in};
    for (size_t axis = 1; axis < 5; ++axis)
      slides_[axis] = within_ ? axis >= 5 - static_cast<size_t>(window.rank) : axis == 1;
  }

  void run() {
    for_each([&](const Place& p) {
      if (float* dst = call_.floats("dst")) dst[at(p)] = static_cast<float>(normalized(p));
      if (float* diff_src = call_.floats("diff_src")) diff_src[at(p)] = static_cast<float>(gradient(p));
    });
  }

 private:
  using Place = std::array<Index, 5>;  // n, c, d, h, w

  bool is(LrnBug bug) const { return bug_ == bug; }
  Index at(const Place& p) const {
    Index linear = 0;
    for (size_t axis = 0; axis < 5; ++axis) linear = linear * extents_[axis] + p[axis];
    return linear;
  }
  double x(const Place& p) const { return static_cast<double>(src_[at(p)]); }

  template <class Visit>
  void for_each(const Visit& visit) const {
    Place p{};
    for (p[0] = 0; p[0] < extents_[0]; ++p[0])
      for (p[1] = 0; p[1] < extents_[1]; ++p[1])
        for (p[2] = 0; p[2] < extents_[2]; ++p[2])
          for (p[3] = 0; p[3] < extents_[3]; ++p[3])
            for (p[4] = 0; p[4] < extents_[4]; ++p[4]) visit(p);
  }

  // Calls visit(q) for the elements from `before` elements before p to `behind` behind.
  template <class Visit>
  void for_each_around(const Place& p, Index before, Index behind, const Visit& visit) const {
    Place first = p, last = p, q{p[0]};
    for (size_t axis = 1; axis < 5; ++axis) {
      if (!slides_[axis]) continue;
      const bool rows_run_on = is(LrnBug::kRowsRunOn) && within_ && axis == 4;
      const Index beyond = (is(LrnBug::kChannelBeyond) && axis == 1) || (rows_run_on && p[3] + 1 < extents_[3]) ? 1 : 0;
      first[axis] = std::max<Index>(0, p[axis] - before);
      last[axis] = std::min(extents_[axis] - 1 + beyond, p[axis] + behind);
    }
    for (q[1] = first[1]; q[1] <= last[1]; ++q[1])
      for (q[2] = first[2]; q[2] <= last[2]; ++q[2])
        for (q[3] = first[3]; q[3] <= last[3]; ++q[3])
          for (q[4] = first[4]; q[4] <= last[4]; ++q[4]) visit(q);
  }

  // By an order of channels in which each sum is the last one, with the square that enters and without the one that
  // leaves.
  double running_sum(Place p) const {
    const Index before = size_ / 2, behind = (size_ - 1) / 2, c = p[1];
    float sum = 0;
    const auto square = [&](Index channel) {
      p[1] = channel;
      return channel < 0 || channel >= extents_[1] ? 0.0F : src_[at(p)] * src_[at(p)];
    };
    for (Index i = 0; i <= std::min(behind, extents_[1] - 1); ++i) sum += square(i);
    for (Index i = 1; i <= c; ++i) sum += square(i + behind) - square(i - 1 - before);
    return static_cast<double>(sum);
  }

  double share(Index terms) const {
    if (is(LrnBug::kAlphaUndivided)) return alpha_;
    if (is(LrnBug::kAlphaByTerms)) return alpha_ / static_cast<double>(terms);
    const auto axes = static_cast<double>(std::count(slides_.begin(), slides_.end(), true));
    return alpha_ / std::pow(static_cast<double>(size_), is(LrnBug::kAlphaBySize) ? 1.0 : axes);
  }

  double scale(const Place& p) const {
    const bool ahead = is(LrnBug::kEvenLooksAhead);
    double sum = 0;
    Index terms = 0;
    for_each_around(p, ahead ? (size_ - 1) / 2 : size_ / 2, ahead ? size_ / 2 : (size_ - 1) / 2, [&](const Place& q) {
      const volatile float value = src_[at(q)];
      sum += static_cast<double>(value) * static_cast<double>(value);
      ++terms;
    });
    if (is(LrnBug::kRunningDifference) && !within_) sum = running_sum(p);
    if (is(LrnBug::kNanSwallowed) && std::isnan(sum)) sum = 0;
    return k_ + share(terms) * sum;
  }

  double power(const Place& p) const {
    const double exact = std::pow(scale(p), -beta_);
    if (!is(LrnBug::kCoarsePower)) return exact;
    int exponent = 0;
    const double mantissa = std::frexp(exact, &exponent);
    return std::ldexp(std::round(mantissa * 4096) / 4096, exponent);
  }

  double normalized(const Place& p) const { return x(p) * power(p); }

  double gradient(const Place& p) const {
    const float* diff_dst = call_.floats("diff_dst");
    const auto diff = [&](const Place& q) { return static_cast<double>(diff_dst[at(q)]); };
    Index before = (size_ - 1) / 2, behind = size_ / 2;
    if (is(LrnBug::kWindowNotReversed)) std::swap(before, behind);
    if (is(LrnBug::kOwnTermOnly)) before = behind = 0;
    double sum = 0;
    for_each_around(p, before, behind, [&](const Place& q) {
      const double raised = is(LrnBug::kPowerNotRaised) ? 1 : scale(q);
      sum += diff(q) * (is(LrnBug::kTermOfSrc) ? x(q) : normalized(q)) / raised;
    });
    return diff(p) * power(p) - 2 * (is(LrnBug::kBetaLost) ? 1 : beta_) * share(1) * x(p) * sum;
  }

  const NaiveCall& call_;
  const LrnBug bug_;
  const Index size_;
  const bool within_;
  const double alpha_, beta_, k_;
  const float* src_;
  Place extents_{};
  std::array<bool, 5> slides_{};
};

Implementation naive_lrn(const std::string& name, LrnBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveLrn(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> lrn_mutants() {
  struct Row {
    const char* name;
    LrnBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> all{"forward", "vjp", "fd-direct"}, forward{"forward"}, gradients{"vjp", "fd-direct"};
  const std::vector<Row> rows{
      {"alpha-undivided", LrnBug::kAlphaUndivided, "alpha is not divided by the elements of a window", all},
      {"alpha-by-terms", LrnBug::kAlphaByTerms, "alpha is divided by the elements inside, fewer at borders", forward},
      {"alpha-by-size", LrnBug::kAlphaBySize, "within a channel alpha is divided by size, not by size^rank", all},
      {"k-is-one", LrnBug::kKIsOne, "k is ignored [Caffe, within channels]", all},
      {"channel-beyond",
       LrnBug::kChannelBeyond,
       "a window larger than the channels runs out of bounds [Caffe 1864]",
       {"forward", "memory"}},
      {"rows-run-on", LrnBug::kRowsRunOn, "a window at the end of a row goes on in the next", all},
      {"even-looks-ahead", LrnBug::kEvenLooksAhead, "an even window has its odd element behind, not before", all},
      {"running-difference",
       LrnBug::kRunningDifference,
       "window sums are those before, plus what enters, minus what leaves",
       {"forward", "special"}},
      {"coarse-power", LrnBug::kCoarsePower, "a power of 12 bits, as from a reciprocal estimate", {"forward", "vjp"}},
      {"nan-swallowed", LrnBug::kNanSwallowed, "NaN does not reach its neighbours", {"special"}},
      {"beta-lost", LrnBug::kBetaLost, "beta is missing in the gradient", gradients},
      {"power-not-raised", LrnBug::kPowerNotRaised, "the gradient has scale^beta for scale^(beta + 1)", gradients},
      {"window-not-reversed", LrnBug::kWindowNotReversed, "the gradient sums over the window, not its mirror image",
       gradients},
      {"own-term-only", LrnBug::kOwnTermOnly, "the gradient leaves out that neighbours divide by src too", gradients},
      {"term-of-src", LrnBug::kTermOfSrc, "the gradient has src for dst under its sum", gradients},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "lrn", row.what, row.oracles, naive_lrn(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_lrn() { return {"healthy-lrn", "lrn", "no bug", {}, naive_lrn("healthy", LrnBug::kNone), {}}; }

}  // namespace gradproof
