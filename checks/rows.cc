#include "checks/rows.h"

#include <algorithm>
#include <numeric>

namespace gradproof {
namespace {

// Multiply-adds for all rows, functions (exp, log, ...) counted for as many as they take. The same for every slot.
double work_of_rows(const Subject& subject, const std::vector<Argument>& outputs, const Arrays<float>& inputs) {
  return subject.memo->get<double>("work of rows", [&] {
    const double before = Depends::work();
    row_values(subject, outputs, borrow<Depends>(inputs), all_rows(outputs));
    return Depends::work() - before;
  });
}

// Multiply-adds for one row: its share of the work, but at least what it depends on.
std::vector<double> row_costs(const Subject& subject, const std::vector<Argument>& outputs, const Arrays<float>& inputs,
                              const Columns& rows_of) {
  const auto count = static_cast<size_t>(row_count(outputs));
  const double share = work_of_rows(subject, outputs, inputs) / static_cast<double>(count);
  std::vector<double> costs(count);
  for (const std::vector<Index>& rows : rows_of)
    for (Index row : rows) ++costs[static_cast<size_t>(row)];
  for (double& cost : costs) cost = std::max(share, cost);
  return costs;
}

}  // namespace

std::vector<Argument> differentiable_outputs(const Subject& subject) {
  std::vector<Argument> outputs;
  for (const Argument& argument : arguments_of(subject.spec(), subject.c.attributes, Pass::forward())) {
    const Slot& slot = *subject.spec().find_slot(argument.name);
    if (slot.role == Role::kOutput && slot.differentiable) outputs.push_back(argument);
  }
  return outputs;
}

Index row_count(const std::vector<Argument>& outputs) {
  return std::accumulate(outputs.begin(), outputs.end(), Index{0},
                         [](Index sum, const Argument& output) { return sum + element_count(output.shape); });
}

std::vector<Index> all_rows(const std::vector<Argument>& outputs) {
  std::vector<Index> rows(static_cast<size_t>(row_count(outputs)));
  std::iota(rows.begin(), rows.end(), Index{0});
  return rows;
}

const std::vector<Margin<Real>>& row_margins(const Subject& subject, const std::vector<Argument>& outputs,
                                             const Data& data) {
  return subject.memo->get<std::vector<Margin<Real>>>("row margins " + data.name, [&] {
    return row_values(subject, outputs, borrow<Margin<Real>>(data.inputs), all_rows(outputs));
  });
}

const std::vector<Mass<Real>>& row_masses(const Subject& subject, const std::vector<Argument>& outputs,
                                          const Data& data) {
  return subject.memo->get<std::vector<Mass<Real>>>("row masses " + data.name, [&] {
    const Subject forward = subject.of_reference(Pass::forward());
    return row_values(subject, outputs, mass_inputs(forward, data.inputs), all_rows(outputs));
  });
}

Columns rows_by_column(const Subject& subject, const std::vector<Argument>& outputs, const Arrays<float>& inputs) {
  Arrays<Depends> numbered = borrow<Depends>(inputs);
  const Array<float>& nominal = inputs.at(subject.pass.slot);
  Array<Depends> slot(nominal.shape);
  for (Index i = 0; i < element_count(nominal.shape); ++i) slot[i] = Depends::input(i, static_cast<double>(nominal[i]));
  numbered[subject.pass.slot] = std::move(slot);
  Columns rows_of(static_cast<size_t>(element_count(nominal.shape)));
  Index row = 0;
  for (const Depends& depends : row_values(subject, outputs, numbered, all_rows(outputs))) {
    depends.for_each([&](Index column) { rows_of[static_cast<size_t>(column)].push_back(row); });
    ++row;
  }
  return rows_of;
}

std::vector<Index> rows_of_group(const Columns& rows_of, const std::vector<Index>& group) {
  std::vector<Index> rows;
  for (Index column : group) {
    const auto& own = rows_of[static_cast<size_t>(column)];
    rows.insert(rows.end(), own.begin(), own.end());
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<Index> sample_columns(const Subject& subject, const std::vector<Argument>& outputs,
                                  const Arrays<float>& inputs, const Columns& rows_of, int evaluations, double budget) {
  const auto count = static_cast<Index>(rows_of.size());
  const std::vector<double> row_cost = row_costs(subject, outputs, inputs, rows_of);
  std::vector<Index> order(rows_of.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto rank = [&](Index column) {
    return column == 0 || column == count - 1 ? 0 : random_bits(subject.seed, "columns", column) | 1;
  };
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return rank(a) < rank(b); });
  std::vector<Index> chosen;
  for (Index column : order) {
    for (Index row : rows_of[static_cast<size_t>(column)]) budget -= evaluations * row_cost[static_cast<size_t>(row)];
    if (budget < 0 && chosen.size() >= 2) break;
    chosen.push_back(column);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace gradproof
