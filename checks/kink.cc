// kink: where inputs lie exactly on kinks, is the gradient one that the slopes on either side allow, and the one that
// the stated convention, which is the reference's, asks for?
#include <fmt/format.h>

#include <cmath>

#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/one_sided.h"
#include "checks/oracle.h"

namespace gradproof {
namespace {

const Slot& slot_of(const Spec& spec, const Pass& pass) { return *spec.find_slot(pass.slot); }

bool applies(const Case& c, const Pass& pass) {
  return is_single_vjp_pass(c, pass) && slot_of(*c.spec, pass).dependence == Dependence::kKinked;
}

// The point of the hull that is nearest to x; NaN to NaN, and of a hull that is none.
Real nearest(const OneSided::Hull& hull, const Real& x) {
  if (!(hull.low <= hull.high)) return hull.low + hull.high;
  return x < hull.low ? hull.low : x > hull.high ? hull.high : x;
}

class KinkCheck {
 public:
  explicit KinkCheck(const Subject& subject)
      : subject_(subject), name_("diff_" + subject.pass.slot), depth_(subject.depth(name_)) {}

  Verdict run() {
    for (const Data& data : kinked_data(subject_)) compare(data);
    if (!decides_) return Verdict::skip("no output of this case decides between values, so there are no kinks");
    if (at_kinks_ == 0)
      return Verdict::fail(fmt::format("{}, nothing was tested; let the Spec name the slot's kinks", kNothingOnAKink));
    Verdict verdict = comparison_.verdict();
    if (verdict.passed()) verdict.reason = tested_text() + (verdict.reason.empty() ? "" : "; ") + verdict.reason;
    verdict.isa = isa_;
    return verdict;
  }

 private:
  bool kinks_add_up() const { return slot_of(subject_.spec(), subject_.pass).kinks_add_up; }

  std::string tested_text() const {
    const std::string text = fmt::format("{} of {} outputs on a kink", at_kinks_, rows_);
    if (kinks_add_up()) return text + ", asked for the convention alone since kinks add up";
    return text + fmt::format(", {} of {} elements with two derivatives", two_sided_, tested_);
  }

  void compare(const Data& data) {
    const OneSided& sides = one_sided(subject_, data);
    decides_ = decides_ || sides.decides;
    rows_ += sides.rows;
    at_kinks_ += sides.at_kinks;
    const Array<Mass<Real>>& expected = truth(subject_, data).at(name_);
    Execution execution(subject_.c, subject_.pass, *subject_.implementation, data.inputs);
    execution.run();
    isa_ = execution.kernel().isa();
    const TensorRef& got = execution.refs()[static_cast<size_t>(argument_index(execution.arguments(), name_))];
    follow_convention(data, expected, got);
    if (kinks_add_up()) return;
    tested_ += static_cast<Index>(sides.hulls.size());
    two_sided_ += sides.two_sided;
    lie_in_hulls(data, sides, expected, got);
    move_together(sides);
  }

  void enter(const Data& data, const Shape& shape, const char* what) {
    comparison_.enter(subject_.spec(), name_, shape, data.name + what);
  }

  void follow_convention(const Data& data, const Array<Mass<Real>>& expected, const TensorRef& got) {
    enter(data, got.shape, "");
    for (Index i = 0; i < element_count(got.shape); ++i) {
      const Position position = position_of(i, got.shape);
      const Mass<Real>& want = expected.values[static_cast<size_t>(i)];
      add_single(want, want.value, got.value_at(position), tolerance(want, depth_), position, comparison_);
    }
  }

  void lie_in_hulls(const Data& data, const OneSided& sides, const Array<Mass<Real>>& expected, const TensorRef& got) {
    const auto error = [&](const OneSided::Hull& hull) {
      return kOneSidedError * (hull.mass + expected.values[static_cast<size_t>(hull.column)].mass);
    };
    enter(data, got.shape, ", the reference between one-sided derivatives");
    for (const OneSided::Hull& hull : sides.hulls) {
      const Real& x = expected.values[static_cast<size_t>(hull.column)].value;
      comparison_.add(position_of(hull.column, got.shape), nearest(hull, x), x, error(hull));
    }
    enter(data, got.shape, ", between one-sided derivatives");
    for (const OneSided::Hull& hull : sides.hulls) {
      const Mass<Real>& want = expected.values[static_cast<size_t>(hull.column)];
      const Position position = position_of(hull.column, got.shape);
      const double x = got.value_at(position);
      add_single(want, nearest(hull, Real(x)), x, tolerance(want, depth_) + error(hull), position, comparison_);
    }
  }

  // Tied elements that move together leave a gradient no choice: what they receive adds up to the slope of the output.
  void move_together(const OneSided& sides) {
    Real sum = 0;
    double mass = sides.along_mass;
    for (const Mass<Real>& x : truth(subject_, sides.together).at(name_).values) {
      sum += x.value;
      mass += x.mass;
    }
    comparison_.enter(subject_.spec(), "<" + name_ + ", (1, ..., 1)>", Shape{1}, sides.together.name);
    comparison_.add(Position{0}, sides.along, sum, kOneSidedError * mass);
  }

  const Subject& subject_;
  const std::string name_;
  const double depth_;
  Comparison comparison_;
  std::string isa_;
  bool decides_ = false;
  Index rows_ = 0, at_kinks_ = 0;     // outputs
  Index tested_ = 0, two_sided_ = 0;  // elements of the slot
};

}  // namespace

Oracle kink_oracle() {
  return {.name = "kink",
          .question = "on kinks, does the gradient lie between the one-sided derivatives and follow the convention?",
          .asked_of = "gradients with kinks or ties",
          .applies = applies,
          .run = [](const Subject& subject) { return KinkCheck(subject).run(); }};
}

}  // namespace gradproof
