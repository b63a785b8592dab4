// Comparison: gathers element by element what becomes a Verdict.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "checks/verdict.h"
#include "ops/core/case.h"

namespace gradproof {

// Keeps the worst element (largest error / bound), counts the failing ones and says where they lie. A NaN in an error
// or a bound fails: only `error <= bound` passes. Elements that no bound holds for are undecided: they neither pass nor
// fail, but are counted, and where they are many nothing passes.
class Comparison {
 public:
  Comparison() = default;
  // Of tensors whose channels lie in the groups of this case.
  explicit Comparison(const Case& c) : groups_(c.attributes.integer_or("g", 1)) {}

  // The elements that follow belong to the tensor `name` of `spec`, which has `shape`; `data` says on which data.
  void enter(const Spec& spec, const std::string& name, const Shape& shape, const std::string& data = "");

  // |expected - got| <= bound, the difference taken in T. An infinite bound leaves it undecided, but what is finite
  // must be so: a NaN in its place is no matter of bounds.
  template <class T>
  void add(const Position& position, const T& expected, const T& got, double bound) {
    using std::abs;
    if (std::isinf(bound) && is_finite(expected) && is_finite(got)) return leave_undecided();
    const auto error = static_cast<double>(T(abs(T(expected - got))));
    count_ulps(static_cast<double>(T(abs(expected))), error, bound);
    if (judge(position, error, bound)) describe(number_text(expected), number_text(got));
  }

  // A comparison that holds or not, without a distance.
  void add(const Position& position, bool holds, double expected, double got) {
    if (judge(position, holds ? 0 : std::numeric_limits<double>::infinity(), 0))
      describe(number_text(expected), number_text(got));
  }

  // `count` more elements that are known to be equal, after one that was added.
  void add_equal(Index count);

  // An element about which the truth is open: a cell border lies within the error of a computed value.
  void leave_undecided() { ++undecided_; }

  Index compared() const { return compared_; }
  Index undecided() const { return undecided_; }
  double worst() const { return worst_; }

  // Passes only if something was compared, every error was within its bound, and no more than a third was undecided:
  // of the eight kinds of data, wide ranges and large means may leave no digits to a computed place, and the others
  // have stray elements on borders. A third kind would be more. Beyond that it is a skip.
  Verdict verdict() const;

  template <class T>
  static bool is_finite(const T& value) {
    return std::isfinite(static_cast<double>(value));
  }
  template <class T>
  static std::string number_text(const T& value) {
    return fmt::format("{:.17g}", static_cast<double>(value));
  }

 private:
  struct Section {
    std::string name, data;
    Shape shape;
    std::vector<std::string> axes;
    Index compared = 0;
    std::vector<Position> failed;
    std::string text() const;
  };

  // True when this element is the worst so far.
  bool judge(const Position& position, double error, double bound);
  void describe(std::string expected, std::string got);
  // Where terms cancel until the bound exceeds the value, no digit of it is certain, and its last place measures
  // nothing.
  void count_ulps(double magnitude, double error, double bound);
  std::string where() const;

  Index groups_ = 1;
  std::vector<Section> sections_;
  size_t worst_section_ = 0;
  Index compared_ = 0;
  Index failures_ = 0;
  Index undecided_ = 0;
  double worst_ = -1;
  double error_ = 0, bound_ = 0;
  double ulps_ = std::numeric_limits<double>::quiet_NaN();
  Position position_;
  std::string expected_, got_;
};

// "3 of 288 elements, only oh = 6": which part of a tensor with these axis names the positions are; channels (c, oc)
// may lie in groups. Not for 0 positions.
std::string location_text(const std::vector<Position>& positions, Index compared, const Shape& shape,
                          const std::vector<std::string>& axes, Index groups = 1);

// Names of the axes of a tensor of the operation, as far as its slot and rank tell: n c ih iw, oc ic kh kw, ...
std::vector<std::string> axis_names(const Spec& spec, std::string_view tensor, int rank);

}  // namespace gradproof
