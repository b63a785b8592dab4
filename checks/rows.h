// Rows: the elements of the differentiable outputs, one after the other, as functions of the slot of pass vjp:<slot>.
// They are the rows of its Jacobian, whose columns are the elements of the slot. Of an output that has a surrogate, the
// rows are the surrogate's.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "checks/coloring.h"
#include "checks/inputs.h"
#include "checks/subject.h"
#include "checks/truth.h"
#include "ops/core/tensor.h"

namespace gradproof {

std::vector<Argument> differentiable_outputs(const Subject& subject);
Index row_count(const std::vector<Argument>& outputs);
std::vector<Index> all_rows(const std::vector<Argument>& outputs);

// Calls visit(row, output, i) for element i of each output.
template <class Visit>
void for_each_row(const std::vector<Argument>& outputs, Visit visit) {
  Index row = 0;
  for (const Argument& output : outputs)
    for (Index i = 0; i < element_count(output.shape); ++i) visit(row++, output, i);
}

// The reference's values of some rows, ascending.
template <class T>
std::vector<T> row_values(const Subject& subject, const std::vector<Argument>& outputs, const Arrays<T>& inputs,
                          const std::vector<Index>& rows) {
  std::map<std::string, Element<T>> elements;
  for (const Argument& output : outputs)
    elements.emplace(output.name,
                     subject.reference->element<T>(subject.c, inputs, subject.spec().differentiated(output.name)));
  std::vector<T> values;
  auto wanted = rows.begin();
  for_each_row(outputs, [&](Index row, const Argument& output, Index i) {
    if (wanted == rows.end() || *wanted != row) return;
    ++wanted;
    values.push_back(elements.at(output.name)(position_of(i, output.shape)));
  });
  return values;
}

// All rows with the distance to the nearest kink, and with their masses as values of the forward pass. Both are the
// same for every slot, and remembered by the subject's memo under the name of the data.
const std::vector<Margin<Real>>& row_margins(const Subject& subject, const std::vector<Argument>& outputs,
                                             const Data& data);
const std::vector<Mass<Real>>& row_masses(const Subject& subject, const std::vector<Argument>& outputs,
                                          const Data& data);

// The cotangent of each row.
template <class T>
std::vector<T> cotangents(const std::vector<Argument>& outputs, const Arrays<float>& inputs) {
  std::vector<T> result;
  for_each_row(outputs, [&](Index, const Argument& output, Index i) {
    result.emplace_back(static_cast<double>(inputs.at("diff_" + output.name).values[static_cast<size_t>(i)]));
  });
  return result;
}

// A change of the slot: its nonzero elements.
using Direction = std::vector<std::pair<Index, float>>;

// The rows as functions of where the slot is moved. `subject`, `outputs` and `inputs` must outlive it.
template <class T>
class MovedRows {
 public:
  MovedRows(const Subject& subject, const std::vector<Argument>& outputs, const Arrays<float>& inputs)
      : subject_(subject),
        outputs_(outputs),
        base_(promote<T>(inputs.at(subject.pass.slot))),
        inputs_(subject.reference->with_fixed<T>(subject.c, borrow<T>(inputs), subject.pass.slot)) {
    inputs_[subject.pass.slot] = base_;
  }

  // With the slot at x + distance * direction.
  std::vector<T> operator()(const std::vector<Index>& rows, const Direction& direction, const T& distance) {
    Array<T>& slot = inputs_.at(subject_.pass.slot);
    for (const auto& [i, scale] : direction) slot[i] = base_[i] + distance * T(static_cast<double>(scale));
    std::vector<T> values = row_values(subject_, outputs_, inputs_, rows);
    for (const auto& [i, scale] : direction) slot[i] = base_[i];
    return values;
  }

 private:
  const Subject& subject_;
  const std::vector<Argument>& outputs_;
  const Array<T> base_;
  Arrays<T> inputs_;
};

// The rows that each column moves: the sparsity of the Jacobian, where no perturbation crosses a border of a cell.
Columns rows_by_column(const Subject& subject, const std::vector<Argument>& outputs, const Arrays<float>& inputs);

// The rows that any of the columns moves, ascending.
std::vector<Index> rows_of_group(const Columns& rows_of, const std::vector<Index>& group);

// All columns if evaluating their rows `evaluations` times costs no more than `budget` multiply-adds, functions counted
// for as many as they take; otherwise the first, the last, and others at random while they fit. Ascending.
std::vector<Index> sample_columns(const Subject& subject, const std::vector<Argument>& outputs,
                                  const Arrays<float>& inputs, const Columns& rows_of, int evaluations, double budget);

}  // namespace gradproof
