#include "checks/property/lab.h"

#include <algorithm>

#include "checks/truth.h"

namespace gradproof {
namespace {

// Whether no order of summation rounds: Mass follows whole numbers up to 2^24.
bool is_unrounded(const Case& c, const Mass<Real>& truth) { return c.spec->exact_on_integers && truth.exact; }

}  // namespace

const Implementation& Lab::kernels_of(const Case& c) const {
  const auto& all = subject_.registry->find(c.spec->name).implementations;
  const auto same = std::find_if(all.begin(), all.end(), [&](const Implementation& implementation) {
    return implementation.name == subject_.implementation->name;
  });
  return same == all.end() ? all.front() : *same;
}

Execution Lab::prepared(const Case& c, const Pass& pass, const Arrays<float>& inputs) const {
  const Implementation& kernels = kernels_of(c);
  if (const auto reason = unsupported_reason(kernels, c, pass))
    throw Unsupported(fmt::format("{} cannot do {} of {}: {}", kernels.name, pass.to_text(), c.to_text(), *reason));
  return {c, pass, kernels, inputs};
}

Arrays<Mass<Real>> Lab::truth_of(const Case& c, const Pass& pass, const Arrays<float>& inputs) const {
  const Reference& reference = subject_.references->at(c.spec->name);
  const Subject subject{c, pass, &reference, &kernels_of(c), seed(), nullptr};
  const Arrays<Mass<Real>> masses = mass_inputs(subject, inputs);
  Arrays<Mass<Real>> truth;
  for (const Argument& argument : subject.arguments())
    if (argument.written)
      truth.emplace(argument.name, reference.evaluate<Mass<Real>>(c, masses, argument.name, argument.shape));
  return truth;
}

Arrays<Known> Lab::run(const Case& c, const Pass& pass, const Arrays<float>& inputs, const Arrays<Mass<Real>>* truth) {
  const Implementation& kernels = kernels_of(c);
  Execution execution = prepared(c, pass, inputs);
  execution.run();
  if (isa_.empty()) isa_ = execution.kernel().isa();
  Arrays<Known> results;
  for (size_t k = 0; k < execution.arguments().size(); ++k) {
    const Argument& argument = execution.arguments()[k];
    if (!argument.written) continue;
    Array<Known>& result = results.emplace(argument.name, Array<Known>(argument.shape)).first->second;
    const double depth = kernels.depth_of(c, pass, argument.name);
    for (Index i = 0; i < element_count(argument.shape); ++i) {
      result[i].value = Real(execution.refs()[k].value_at(position_of(i, argument.shape)));
      if (truth == nullptr) continue;
      const Mass<Real>& exact = truth->at(argument.name).values[static_cast<size_t>(i)];
      result[i].bound = is_unrounded(c, exact) ? 0 : tolerance(exact, depth);
    }
  }
  return results;
}

Arrays<Known> Lab::known(const Case& c, const Pass& pass, const Arrays<float>& inputs) {
  const Arrays<Mass<Real>> truth = truth_of(c, pass, inputs);
  return run(c, pass, inputs, &truth);
}

Arrays<Known> Lab::computed(const Case& c, const Pass& pass, const Arrays<float>& inputs) {
  return run(c, pass, inputs, nullptr);
}

Arrays<Known> Lab::exact(const Case& c, const Pass& pass, const Arrays<float>& inputs) const {
  Arrays<Known> results;
  for (const auto& [name, truth] : truth_of(c, pass, inputs)) {
    Array<Known>& result = results.emplace(name, Array<Known>(truth.shape)).first->second;
    for (Index i = 0; i < element_count(truth.shape); ++i) result[i].value = truth.values[static_cast<size_t>(i)].value;
  }
  return results;
}

void Lab::agree(const std::string& what, const Array<Known>& a, const Array<Known>& b) {
  enter(what, a.shape);
  if (!(a.shape == b.shape))
    return comparison_.add(Position::filled(a.shape.rank(), 0), false, static_cast<double>(element_count(a.shape)),
                           static_cast<double>(element_count(b.shape)));
  for (Index i = 0; i < element_count(a.shape); ++i)
    comparison_.add(position_of(i, a.shape), a[i].value, b[i].value, a[i].bound + b[i].bound);
}

void Lab::differ(const std::string& what, const Array<Known>& a, const Array<Known>& b) {
  const auto apart = [&](Index i) {
    return std::abs(static_cast<double>(Real(a[i].value - b[i].value))) > a[i].bound + b[i].bound;
  };
  bool found = !(a.shape == b.shape);
  for (Index i = 0; !found && i < element_count(a.shape); ++i) found = apart(i);
  holds(what, found);
}

void Lab::holds(const std::string& what, bool fact, double expected, double got) {
  enter(what, Shape{1});
  comparison_.add(Position{0}, fact, expected, got);
}

void Lab::at_most(const std::string& what, double value, double limit) {
  enter(what, Shape{1});
  comparison_.add(Position{0}, 0.0, value, limit);
}

Verdict Lab::verdict() const {
  Verdict verdict = comparison_.verdict();
  verdict.isa = isa_;
  if (verdict.reason.empty()) verdict.reason = found_;
  verdict.plot = plot_;
  return verdict;
}

}  // namespace gradproof
