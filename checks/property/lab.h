// Lab: where properties are shown. It computes with kernels, knows how far off they may be, and keeps the verdict.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/inputs.h"
#include "checks/property/known.h"
#include "checks/subject.h"
#include "ops/core/registry.h"

namespace gradproof {

// Data that float32 sums are exact for, and data that they are not.
inline constexpr Regime kWholeAndReal[] = {Regime::kInteger, Regime::kNormal};

// Kernels say that they cannot do what the property needs.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Lab {
 public:
  explicit Lab(const Subject& subject) : subject_(subject) {}

  // A case of any operation that the property names.
  Case at(const std::string& text) const { return subject_.registry->parse_case(text); }
  std::uint64_t seed() const { return subject_.seed; }
  Arrays<float> seeded(const Case& c, const Pass& pass = Pass::forward(), Regime regime = Regime::kNormal) const {
    return seeded_inputs(c, pass, seed(), regime);
  }
  // The implementation under test, or that which the operation has.
  const Implementation& kernels_of(const Case& c) const;

  // The kernels with their tensors. Throws Unsupported where they cannot do it.
  Execution prepared(const Case& c, const Pass& pass, const Arrays<float>& inputs) const;

  // Everything that the pass writes, as the kernels compute it: with the bound that is derived for it, which is 0 for
  // whole numbers that no sum rounds; or as it is, so that it agrees with the same bits only.
  Arrays<Known> known(const Case& c, const Pass& pass, const Arrays<float>& inputs);
  Arrays<Known> computed(const Case& c, const Pass& pass, const Arrays<float>& inputs);
  // The same by the reference.
  Arrays<Known> exact(const Case& c, const Pass& pass, const Arrays<float>& inputs) const;

  // The exact numbers behind both are equal, as far as their bounds tell, element by element.
  void agree(const std::string& what, const Array<Known>& a, const Array<Known>& b);
  // They are not: some element differs by more than the bounds of both.
  void differ(const std::string& what, const Array<Known>& a, const Array<Known>& b);
  void holds(const std::string& what, bool fact, double expected = 1, double got = 0);
  void equal(const std::string& what, double expected, double got) { holds(what, expected == got, expected, got); }
  void at_most(const std::string& what, double value, double limit);

  // What the report shows beside the verdict.
  void found(std::string sentence) { found_ = std::move(sentence); }
  void draw(Plot plot) { plot_ = std::move(plot); }

  Verdict verdict() const;

 private:
  Arrays<Known> run(const Case& c, const Pass& pass, const Arrays<float>& inputs, const Arrays<Mass<Real>>* truth);
  Arrays<Mass<Real>> truth_of(const Case& c, const Pass& pass, const Arrays<float>& inputs) const;
  void enter(const std::string& what, const Shape& shape) { comparison_.enter(subject_.spec(), what, shape); }

  const Subject& subject_;
  Comparison comparison_;
  std::string isa_, found_;
  Plot plot_;
};

// The elements of another array, each found where(position) says; 0 where it says nothing.
template <class T, class Where>
Array<T> rearranged(const Array<T>& from, const Shape& shape, Where where) {
  Array<T> to(shape);
  Position position = Position::filled(shape.rank(), 0);
  for (T& value : to.values) {
    const std::optional<Position> source = where(position);
    value = source ? from.at(*source) : T(0.0F);
    advance(position, shape);
  }
  return to;
}

// Sums over the elements that go to the same place, into_at(position).
template <class Into>
Array<Known> summed(const Array<Known>& from, const Shape& shape, Into into_at) {
  Array<Known> sums(shape);
  for (Index i = 0; i < element_count(from.shape); ++i) sums.at(into_at(position_of(i, from.shape))) += from[i];
  return sums;
}

}  // namespace gradproof
