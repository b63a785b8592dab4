#include "checks/difference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "checks/inputs.h"

namespace gradproof {
namespace {

Dependence dependence_of(const Subject& subject) { return subject.spec().find_slot(subject.pass.slot)->dependence; }

int step_exponent(Dependence dependence, int digits) {
  switch (dependence) {
    case Dependence::kAffine:
      return 0;
    case Dependence::kSmooth:
      return -(digits / 4);
    case Dependence::kKinked:
      break;
  }
  return -(digits / 3);
}

std::vector<Argument> differentiable_outputs(const Subject& subject) {
  std::vector<Argument> outputs;
  for (const Argument& argument : arguments_of(subject.spec(), subject.c.attributes, Pass::forward())) {
    const Slot& slot = *subject.spec().find_slot(argument.name);
    if (slot.role == Role::kOutput && slot.differentiable) outputs.push_back(argument);
  }
  return outputs;
}

// Calls visit(row, output, linear) for every element of the outputs.
template <class Visit>
void for_each_row(const std::vector<Argument>& outputs, Visit visit) {
  Index row = 0;
  for (const Argument& output : outputs)
    for (Index i = 0; i < element_count(output.shape); ++i) visit(row++, output, i);
}

float cotangent(const DifferencePlan& plan, const Argument& output, Index i) {
  return plan.inputs.at("diff_" + output.name).values[static_cast<size_t>(i)];
}

// The elements of every output, bound to the same inputs.
template <class T>
std::map<std::string, Element<T>> bind_elements(const Subject& subject, const std::vector<Argument>& outputs,
                                                const Arrays<T>& inputs) {
  std::map<std::string, Element<T>> elements;
  for (const Argument& output : outputs)
    elements.emplace(output.name, subject.reference->element<T>(subject.c, inputs, output.name));
  return elements;
}

// Fills rows_of and returns how many elements of the slot each row depends on.
std::vector<Index> find_sparsity(const Subject& subject, DifferencePlan& plan) {
  Arrays<Depends> inputs = borrow<Depends>(plan.inputs);
  const Array<float>& nominal = plan.inputs.at(subject.pass.slot);
  Array<Depends> slot(nominal.shape);
  for (Index i = 0; i < plan.column_count; ++i) slot[i] = Depends::input(i, static_cast<double>(nominal[i]));
  inputs[subject.pass.slot] = std::move(slot);
  const auto elements = bind_elements(subject, plan.outputs, inputs);
  std::vector<Index> counts;
  plan.rows_of.resize(static_cast<size_t>(plan.column_count));
  for_each_row(plan.outputs, [&](Index row, const Argument& output, Index i) {
    const Depends depends = elements.at(output.name)(position_of(i, output.shape));
    counts.push_back(depends.count());
    depends.for_each([&](Index column) { plan.rows_of[static_cast<size_t>(column)].push_back(row); });
  });
  return counts;
}

// A decision may compare sums of perturbed values; 2^10 steps of room is more than a direction of a few units can
// close.
void withdraw_uncertain_rows(const Subject& subject, DifferencePlan& plan) {
  const double room = std::ldexp(1.0, 10 + step_exponent(Dependence::kKinked, std::numeric_limits<Real>::digits));
  const auto inputs = borrow<Margin<Real>>(plan.inputs);
  const auto elements = bind_elements(subject, plan.outputs, inputs);
  for_each_row(plan.outputs, [&](Index, const Argument& output, Index i) {
    if (elements.at(output.name)(position_of(i, output.shape)).margin > room) return;
    plan.inputs.at("diff_" + output.name)[i] = 0;
    ++plan.withdrawn;
  });
}

// Multiply-adds for one row: what it depends on, but at least its share of the operation's flops.
std::vector<double> row_costs(const Subject& subject, const std::vector<Index>& depends_on) {
  const double flops = subject.spec().cost(subject.c.attributes, Pass::forward()).flops;
  const double share = flops / 2 / static_cast<double>(depends_on.size());
  std::vector<double> costs;
  for (Index count : depends_on) costs.push_back(std::max(share, static_cast<double>(count)));
  return costs;
}

// All columns if they fit the budget; otherwise the first, the last, and others at random while they fit.
std::vector<Index> choose_columns(const Subject& subject, const DifferencePlan& plan,
                                  const std::vector<double>& row_cost, double budget) {
  std::vector<Index> order(static_cast<size_t>(plan.column_count));
  std::iota(order.begin(), order.end(), Index{0});
  const auto rank = [&](Index column) {
    return column == 0 || column == plan.column_count - 1 ? 0 : random_bits(subject.seed, "columns", column) | 1;
  };
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return rank(a) < rank(b); });
  const int evaluations = dependence_of(subject) == Dependence::kAffine   ? 1
                          : dependence_of(subject) == Dependence::kSmooth ? 4
                                                                          : 2;
  std::vector<Index> chosen;
  for (Index column : order) {
    for (Index row : plan.rows_of[static_cast<size_t>(column)])
      budget -= evaluations * row_cost[static_cast<size_t>(row)];
    if (budget < 0 && chosen.size() >= 2) break;
    chosen.push_back(column);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

// The reference forward as a function of the slot, moved along a perturbation.
template <class T>
class Line {
 public:
  Line(const Subject& subject, const DifferencePlan& plan)
      : subject_(subject),
        plan_(plan),
        base_(promote<T>(plan.inputs.at(subject.pass.slot))),
        step_(std::ldexp(1.0, step_exponent(dependence_of(subject), std::numeric_limits<T>::digits))),
        inputs_(borrow<T>(plan.inputs)) {
    inputs_[subject.pass.slot] = base_;
    std::vector<Index> all(static_cast<size_t>(plan.row_count()));
    std::iota(all.begin(), all.end(), Index{0});
    if (dependence_of(subject) == Dependence::kAffine) at_base_ = values(all);
  }

  // d y[row] / dt at t = 0 for x + t * direction, where the direction has the given nonzero elements.
  std::vector<T> derivative(const std::vector<Index>& rows, const std::vector<std::pair<Index, float>>& direction) {
    const auto moved = [&](double steps) {
      Array<T>& slot = inputs_.at(subject_.pass.slot);
      for (const auto& [i, scale] : direction) slot[i] = base_[i] + T(steps) * step_ * T(static_cast<double>(scale));
      std::vector<T> result = values(rows);
      for (const auto& [i, scale] : direction) slot[i] = base_[i];
      return result;
    };
    switch (dependence_of(subject_)) {
      case Dependence::kAffine:
        return affine(rows, moved(1));
      case Dependence::kSmooth:
        return fourth_order(moved(1), moved(-1), moved(2), moved(-2));
      case Dependence::kKinked:
        break;
    }
    return second_order(moved(1), moved(-1));
  }

 private:
  std::vector<T> values(const std::vector<Index>& rows) const {
    const auto elements = bind_elements(subject_, plan_.outputs, inputs_);
    std::vector<T> result;
    auto wanted = rows.begin();
    for_each_row(plan_.outputs, [&](Index row, const Argument& output, Index i) {
      if (wanted == rows.end() || *wanted != row) return;
      ++wanted;
      result.push_back(elements.at(output.name)(position_of(i, output.shape)));
    });
    return result;
  }

  std::vector<T> affine(const std::vector<Index>& rows, std::vector<T> moved) const {
    for (size_t i = 0; i < rows.size(); ++i) moved[i] = (moved[i] - at_base_[static_cast<size_t>(rows[i])]) / step_;
    return moved;
  }
  std::vector<T> second_order(std::vector<T> up, const std::vector<T>& down) const {
    for (size_t i = 0; i < up.size(); ++i) up[i] = (up[i] - down[i]) / (T(2.0) * step_);
    return up;
  }
  std::vector<T> fourth_order(std::vector<T> up, const std::vector<T>& down, const std::vector<T>& up2,
                              const std::vector<T>& down2) const {
    for (size_t i = 0; i < up.size(); ++i)
      up[i] = (T(8.0) * (up[i] - down[i]) - (up2[i] - down2[i])) / (T(12.0) * step_);
    return up;
  }

  const Subject& subject_;
  const DifferencePlan& plan_;
  Array<T> base_;
  T step_;
  Arrays<T> inputs_;
  std::vector<T> at_base_;
};

template <class T>
std::vector<T> cotangents(const DifferencePlan& plan) {
  std::vector<T> result;
  for_each_row(plan.outputs, [&](Index, const Argument& output, Index i) {
    result.emplace_back(static_cast<double>(cotangent(plan, output, i)));
  });
  return result;
}

std::vector<Index> rows_of_group(const DifferencePlan& plan, const std::vector<Index>& group) {
  std::vector<Index> rows;
  for (Index column : group) {
    const auto& own = plan.rows_of[static_cast<size_t>(column)];
    rows.insert(rows.end(), own.begin(), own.end());
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

Index DifferencePlan::row_count() const {
  return std::accumulate(outputs.begin(), outputs.end(), Index{0},
                         [](Index sum, const Argument& output) { return sum + element_count(output.shape); });
}

DifferencePlan plan_differences(const Subject& subject, double budget) {
  DifferencePlan plan;
  plan.inputs = seeded_inputs(subject.c, subject.pass, subject.seed, Regime::kNormal);
  plan.outputs = differentiable_outputs(subject);
  const Shape& shape = plan.inputs.at(subject.pass.slot).shape;
  plan.column_count = element_count(shape);
  plan.direction = seeded_array({.name = "direction", .shape = shape}, subject.seed, Regime::kNormal);
  const std::vector<Index> depends_on = find_sparsity(subject, plan);
  if (dependence_of(subject) == Dependence::kKinked) withdraw_uncertain_rows(subject, plan);
  plan.columns = choose_columns(subject, plan, row_costs(subject, depends_on), budget);
  plan.colors = color_columns(plan.rows_of, plan.columns, plan.row_count());
  return plan;
}

template <class T>
DifferenceGradient<T> difference_gradient(const Subject& subject, const DifferencePlan& plan) {
  const std::vector<T> u = cotangents<T>(plan);
  Line<T> line(subject, plan);
  std::map<Index, T> by_column;
  for (const std::vector<Index>& group : plan.colors) {
    std::vector<std::pair<Index, float>> direction;
    for (Index column : group) direction.emplace_back(column, 1.0F);
    const std::vector<Index> rows = rows_of_group(plan, group);
    const std::vector<T> slopes = line.derivative(rows, direction);
    for (Index column : group) {
      T sum(0.0);
      for (Index row : plan.rows_of[static_cast<size_t>(column)]) {
        const auto at = std::lower_bound(rows.begin(), rows.end(), row) - rows.begin();
        sum += u[static_cast<size_t>(row)] * slopes[static_cast<size_t>(at)];
      }
      by_column.emplace(column, sum);
    }
  }
  DifferenceGradient<T> gradient;
  for (Index column : plan.columns) gradient.columns.push_back(by_column.at(column));
  std::vector<std::pair<Index, float>> everywhere;
  for (Index i = 0; i < plan.column_count; ++i)
    everywhere.emplace_back(i, plan.direction.values[static_cast<size_t>(i)]);
  std::vector<Index> rows(u.size());
  std::iota(rows.begin(), rows.end(), Index{0});
  const std::vector<T> slopes = line.derivative(rows, everywhere);
  gradient.along = T(0.0);
  for (size_t row = 0; row < u.size(); ++row) gradient.along += u[row] * slopes[row];
  return gradient;
}

template DifferenceGradient<Real> difference_gradient(const Subject&, const DifferencePlan&);
template DifferenceGradient<Precise> difference_gradient(const Subject&, const DifferencePlan&);

}  // namespace gradproof
