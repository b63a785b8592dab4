#include "checks/difference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "checks/inputs.h"
#include "checks/rows.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

Dependence dependence_of(const Subject& subject) { return subject.spec().find_slot(subject.pass.slot)->dependence; }

// What row_margins and row_masses remember the inputs of every plan by: cotangents, which the plans of the slots may
// differ in, are none of the forward pass.
Data data_of(const DifferencePlan& plan) { return {"differences", plan.inputs}; }

void withdraw_uncertain_rows(const Subject& subject, DifferencePlan& plan) {
  const double room = room_for_steps();
  const std::vector<Margin<Real>>& values = row_margins(subject, plan.outputs, data_of(plan));
  for_each_row(plan.outputs, [&](Index row, const Argument& output, Index i) {
    if (values[static_cast<size_t>(row)].margin > room) return;
    plan.inputs.at("diff_" + output.name)[i] = 0;
    ++plan.withdrawn;
  });
}

int evaluations(Dependence dependence) { return dependence == Dependence::kAffine ? 1 : 4; }

// Slopes of rows by the stencil that suits the slot.
template <class T>
class Line {
 public:
  Line(const Subject& subject, const DifferencePlan& plan)
      : dependence_(dependence_of(subject)),
        step_(std::ldexp(1.0, step_exponent(dependence_, std::numeric_limits<T>::digits))),
        rows_at_(subject, plan.outputs, plan.inputs) {
    if (dependence_ == Dependence::kAffine) at_base_ = rows_at_(all_rows(plan.outputs), {}, T(0.0));
  }

  // d y[row] / dt at t = 0 for x + t * direction.
  std::vector<T> derivative(const std::vector<Index>& rows, const Direction& direction) {
    const auto moved = [&](double steps) { return rows_at_(rows, direction, T(steps) * step_); };
    if (dependence_ == Dependence::kAffine) return affine(rows, moved(1));
    return fourth_order(moved(1), moved(-1), moved(2), moved(-2));
  }

 private:
  std::vector<T> affine(const std::vector<Index>& rows, std::vector<T> moved) const {
    for (size_t i = 0; i < rows.size(); ++i) moved[i] = (moved[i] - at_base_[static_cast<size_t>(rows[i])]) / step_;
    return moved;
  }
  std::vector<T> fourth_order(std::vector<T> up, const std::vector<T>& down, const std::vector<T>& up2,
                              const std::vector<T>& down2) const {
    for (size_t i = 0; i < up.size(); ++i)
      up[i] = (T(8.0) * (up[i] - down[i]) - (up2[i] - down2[i])) / (T(12.0) * step_);
    return up;
  }

  const Dependence dependence_;
  const T step_;
  MovedRows<T> rows_at_;
  std::vector<T> at_base_;
};

// How many units of rounding, divided by the step, reach a slope: of y(x + h) - y(x) 2, of the fourth-order stencil
// (8 + 8 + 1 + 1) / 12.
double stencil_weight(Dependence dependence) { return dependence == Dependence::kAffine ? 2 : 1.5; }

// By row, for an arithmetic of so many binary digits.
std::vector<double> rounding_errors(const Subject& subject, const DifferencePlan& plan, int digits) {
  const Dependence dependence = dependence_of(subject);
  const double unit = std::ldexp(stencil_weight(dependence), -digits - step_exponent(dependence, digits));
  const std::vector<Mass<Real>>& values = row_masses(subject, plan.outputs, data_of(plan));
  std::vector<double> errors;
  for_each_row(plan.outputs, [&](Index row, const Argument& output, Index i) {
    const double u = std::abs(static_cast<double>(plan.inputs.at("diff_" + output.name)[i]));
    const std::string& formula = subject.spec().differentiated(output.name);
    const double depth = 1 + subject.spec().depth(subject.c.attributes, Pass::forward(), formula);
    errors.push_back(u == 0 ? 0 : u * unit * depth * values[static_cast<size_t>(row)].mass);  // mass may be infinite
  });
  return errors;
}

}  // namespace

int step_exponent(Dependence dependence, int digits) {
  switch (dependence) {
    case Dependence::kAffine:
      return 0;
    case Dependence::kSmooth:
      return -(digits / 4);
    case Dependence::kKinked:
    case Dependence::kFlat:
      break;
  }
  return -(2 * digits / 7);
}

double room_for_steps() {
  return std::ldexp(1.0, 10 + step_exponent(Dependence::kKinked, std::numeric_limits<Real>::digits));
}

Index DifferencePlan::row_count() const { return gradproof::row_count(outputs); }

DifferencePlan plan_differences(const Subject& subject, double budget) {
  DifferencePlan plan;
  plan.inputs = seeded_inputs(subject.c, subject.pass, subject.seed, Regime::kNormal);
  plan.outputs = differentiable_outputs(subject);
  const Shape& shape = plan.inputs.at(subject.pass.slot).shape;
  plan.column_count = element_count(shape);
  plan.direction = seeded_array({.name = "direction", .shape = shape}, subject.seed, Regime::kNormal);
  plan.rows_of = rows_by_column(subject, plan.outputs, plan.inputs);
  if (has_kinks(dependence_of(subject))) withdraw_uncertain_rows(subject, plan);
  return sampled(subject, std::move(plan), budget);
}

DifferencePlan sampled(const Subject& subject, DifferencePlan plan, double budget) {
  plan.columns =
      sample_columns(subject, plan.outputs, plan.inputs, plan.rows_of, evaluations(dependence_of(subject)), budget);
  plan.colors = color_columns(plan.rows_of, plan.columns, plan.row_count());
  return plan;
}

template <class T>
DifferenceGradient<T> difference_gradient(const Subject& subject, const DifferencePlan& plan) {
  const std::vector<T> u = cotangents<T>(plan.outputs, plan.inputs);
  Line<T> line(subject, plan);
  const std::vector<double> errors = rounding_errors(subject, plan, std::numeric_limits<T>::digits);
  std::map<Index, T> by_column;
  for (const std::vector<Index>& group : plan.colors) {
    Direction direction;
    for (Index column : group) direction.emplace_back(column, 1.0F);
    const std::vector<Index> rows = rows_of_group(plan.rows_of, group);
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
  for (Index column : plan.columns) {
    gradient.columns.push_back(by_column.at(column));
    double error = 0;
    for (Index row : plan.rows_of[static_cast<size_t>(column)]) error += errors[static_cast<size_t>(row)];
    gradient.column_errors.push_back(error);
  }
  Direction everywhere;
  for (Index i = 0; i < plan.column_count; ++i)
    everywhere.emplace_back(i, plan.direction.values[static_cast<size_t>(i)]);
  const std::vector<T> slopes = line.derivative(all_rows(plan.outputs), everywhere);
  gradient.along = T(0.0);
  gradient.along_error = std::accumulate(errors.begin(), errors.end(), 0.0);
  for (size_t row = 0; row < u.size(); ++row) gradient.along += u[row] * slopes[row];
  return gradient;
}

template DifferenceGradient<Real> difference_gradient(const Subject&, const DifferencePlan&);
template DifferenceGradient<Precise> difference_gradient(const Subject&, const DifferencePlan&);

}  // namespace gradproof
