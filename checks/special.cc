// special: NaN, infinities, signed zeros and denormals, placed in each input in turn.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/inputs.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

// The last two are nothing but infinities: what selects among them must still name one that is there.
enum class Kind { kNan, kNanAtEnd, kInfinity, kZero, kDenormal, kLowest, kHighest };
constexpr Kind kKinds[] = {Kind::kNan,      Kind::kNanAtEnd, Kind::kInfinity, Kind::kZero,
                           Kind::kDenormal, Kind::kLowest,   Kind::kHighest};

const char* kind_text(Kind kind) {
  switch (kind) {
    case Kind::kNan:
      return "NaN";
    case Kind::kNanAtEnd:
      return "NaN at the end";
    case Kind::kInfinity:
      return "infinities";
    case Kind::kZero:
      return "signed zeros";
    case Kind::kDenormal:
      return "denormals";
    case Kind::kLowest:
      return "-inf everywhere";
    case Kind::kHighest:
      break;
  }
  return "inf everywhere";
}

// Whether the result is one of the inputs.
bool selects(const Subject& subject) {
  const std::vector<Argument> arguments = subject.arguments();
  return std::all_of(arguments.begin(), arguments.end(),
                     [&](const Argument& argument) { return !argument.written || subject.depth(argument.name) == 0; });
}

// A positive quantity is never zero or infinite: that is outside its domain. Of nothing but infinities sums are as
// infinite, whatever they are made of.
bool suits(Kind kind, const Subject& subject, const Argument& argument) {
  if (kind == Kind::kNan || kind == Kind::kNanAtEnd || kind == Kind::kDenormal) return true;
  if (argument.domain != Domain::kReal) return false;
  return (kind != Kind::kLowest && kind != Kind::kHighest) || (subject.pass.is_forward() && selects(subject));
}

// Two elements of an array, seeded; the same one if there is only one.
std::pair<size_t, size_t> two_places(std::uint64_t seed, const Argument& argument) {
  const auto count = static_cast<std::uint64_t>(element_count(argument.shape));
  const std::uint64_t first = random_bits(seed, argument.name, 1) % count;
  const std::uint64_t step = count > 1 ? 1 + random_bits(seed, argument.name, 2) % (count - 1) : 0;
  return {static_cast<size_t>(first), static_cast<size_t>((first + step) % count)};
}

void place(Kind kind, std::uint64_t seed, const Argument& argument, Array<float>& array) {
  const auto [first, second] = two_places(seed, argument);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  switch (kind) {
    case Kind::kNan:
      array.values[first] = array.values[second] = kNan;
      return;
    case Kind::kNanAtEnd:  // alone, where what is left of a row behind whole vectors is looked at by itself
      array.values.back() = kNan;
      return;
    case Kind::kInfinity:
      array.values[second] = -kInfinity;
      array.values[first] = kInfinity;
      return;
    case Kind::kZero:  // two thirds of all elements, so that windows full of them exist
      for (size_t i = 0; i < array.values.size(); ++i)
        if (const std::uint64_t bits = random_bits(seed, "zeros", static_cast<Index>(i)); bits % 3 != 0)
          array.values[i] = bits % 3 == 1 ? 0.0F : -0.0F;
      return;
    case Kind::kDenormal:
      array = seeded_array(argument, seed, Regime::kDenormal);
      return;
    case Kind::kLowest:
      return array.values.assign(array.values.size(), -kInfinity);
    case Kind::kHighest:
      return array.values.assign(array.values.size(), kInfinity);
  }
}

struct Expectation {
  bool infinities;  // what was placed
  bool contained;   // what is not finite must not reach any element that the formula does not name
  bool selected;    // the result is one of the inputs, with its sign of zero
  double bound;
};

// Finite results within their bound, infinities with their sign, NaN where NaN is due. Where it need not be contained,
// a NaN may take the place of anything, but is never lost. Of infinities that enter sums only this is asked: what the
// formula makes infinite or NaN is not finite, since an equal formula in another order (x * scale + shift) may meet
// infinity - infinity. The sign of a zero is that of the input which was selected; a sum that is zero may have either
// sign, since that depends on the order of summation.
bool holds(double expected, double error, double got, const Expectation& e) {
  if (e.infinities && !e.selected && !std::isfinite(expected)) return !std::isfinite(got);
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isnan(got)) return !e.contained;
  if (std::isinf(expected)) return got == expected;
  if (e.selected) return std::bit_cast<std::uint64_t>(expected) == std::bit_cast<std::uint64_t>(got);
  return error <= e.bound;
}

// Whether neither verdict would be fair. Across the border of a cell there may be a NaN, which then is right as well;
// of terms beyond float32 there may be an infinity.
bool is_open(const Mass<Real>& want, double got, double bound) {
  if (may_overflow(want)) return true;
  const bool finite = std::isfinite(static_cast<double>(want.value)) && std::isfinite(got);
  return want.undecided || (finite && std::isinf(bound));
}

void compare(const Subject& subject, const Data& data, Kind kind, bool contained, Comparison& comparison,
             std::string& isa) {
  const Arrays<Mass<Real>>& expected = truth(subject, data);
  Execution execution(subject.c, subject.pass, *subject.implementation, data.inputs);
  execution.run();
  isa = execution.kernel().isa();
  for (size_t i = 0; i < execution.arguments().size(); ++i) {
    const Argument& argument = execution.arguments()[i];
    if (!argument.written) continue;
    const double depth = subject.depth(argument.name);
    comparison.enter(subject.spec(), argument.name, argument.shape, data.name);
    for (Index k = 0; k < element_count(argument.shape); ++k) {
      const Mass<Real>& want = expected.at(argument.name).values[static_cast<size_t>(k)];
      const Position position = position_of(k, argument.shape);
      const double got = execution.refs()[i].value_at(position);
      if (is_open(want, got, tolerance(want, depth))) {
        comparison.leave_undecided();
        continue;
      }
      const auto error = static_cast<double>(Real(abs(Real(want.value - Real(got)))));
      const Expectation expectation{kind == Kind::kInfinity, contained, depth == 0, tolerance(want, depth)};
      const auto value = static_cast<double>(want.value);
      comparison.add(position, holds(value, error, got, expectation), value, got);
    }
  }
}

Verdict check_special(const Subject& subject) {
  Comparison comparison(subject.c);
  std::string isa;
  for (const Argument& argument : subject.arguments()) {
    if (argument.written || argument.choices > 0 || is_saved(subject.spec(), argument.name)) continue;
    for (Kind kind : kKinds) {
      if (!suits(kind, subject, argument)) continue;
      Data data = seeded_data(subject, Regime::kNormal);
      data.name = fmt::format("{} in {}", kind_text(kind), argument.name);
      place(kind, subject.seed, argument, data.inputs.at(argument.name));
      compare(subject, data, kind, subject.spec().contains_nan(subject.pass, argument.name), comparison, isa);
    }
  }
  Verdict verdict = comparison.verdict();
  verdict.isa = isa;
  return verdict;
}

}  // namespace

Oracle special_oracle() {
  return {
      .name = "special",
      .question = "do NaN, infinities, signed zeros and denormals go where the formula sends them, and nowhere else?",
      .asked_of = "single operations, not networks, where what one makes of a NaN is given to the next",
      // Not of networks: where an operation may spread a NaN, what the next ones make of it need not be what the
      // formula makes of what it was given. Each operation of theirs is asked by itself.
      .applies = [](const Case& c, const Pass&) { return !c.spec->graph; },
      .run = check_special};
}

}  // namespace gradproof
