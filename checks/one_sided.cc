#include "checks/one_sided.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "checks/inputs.h"
#include "checks/rows.h"

namespace gradproof {
namespace {

// 52 ns a multiply-add: 0.05 s.
constexpr double kOneSidedBudget = 1e6;
constexpr int kEvaluations = 4;

const char* const kNamed = "kinks as named";

bool is_kinked(const Slot* slot) { return slot != nullptr && slot->dependence == Dependence::kKinked; }

// The first and half of the other elements of a tensor at one of the values, independent of other tensors; zeros with
// either sign.
void put_on(const std::vector<double>& kinks, std::uint64_t seed, const std::string& name, Array<float>& array) {
  for (size_t i = 0; i < array.values.size(); ++i) {
    const std::uint64_t bits = random_bits(seed, "kinks in " + name, static_cast<Index>(i));
    if (i > 0 && bits % 2 == 0) continue;
    const auto kink = static_cast<float>(kinks[(bits >> 8) % kinks.size()]);
    array.values[i] = kink == 0 && (bits >> 1) % 2 == 0 ? -kink : kink;
  }
}

Data kinked_by(const Subject& subject, const char* name, Regime regime) {
  Data data{name, {}};
  for (const Argument& argument : subject.arguments()) {
    if (argument.written || is_saved(subject.spec(), argument.name)) continue;
    const Slot* slot = subject.spec().find_slot(argument.name);
    Array<float> array = seeded_array(argument, subject.seed, is_kinked(slot) ? regime : Regime::kNormal);
    if (name == kNamed && is_kinked(slot) && slot->kinks)
      put_on(slot->kinks(subject.c.attributes), subject.seed, argument.name, array);
    data.inputs.emplace(argument.name, std::move(array));
  }
  return data;
}

// The rows that a column moves to either side. At a border of a cell these differ, and the other inputs are whole
// numbers, so that 2^-10 reaches no other border. Every element takes a step of its own, or the steps of several that
// move one place (the weights of an offset) could cancel out and leave it on its border.
Columns rows_on_both_sides(const Subject& subject, const std::vector<Argument>& outputs, const Data& data) {
  Columns united(static_cast<size_t>(element_count(data.inputs.at(subject.pass.slot).shape)));
  for (const float step : {0x1p-10F, -0x1p-10F}) {
    Arrays<float> inputs = data.inputs;
    std::vector<float>& values = inputs.at(subject.pass.slot).values;
    for (size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t bits = random_bits(subject.seed, "sides", static_cast<Index>(i));
      values[i] += step * (1 + static_cast<float>(bits % 1024) / 1024) / 2;
    }
    const Columns rows_of = rows_by_column(subject, outputs, inputs);
    for (size_t column = 0; column < united.size(); ++column) {
      std::vector<Index> both;
      std::set_union(united[column].begin(), united[column].end(), rows_of[column].begin(), rows_of[column].end(),
                     std::back_inserter(both));
      united[column] = std::move(both);
    }
  }
  return united;
}

struct Slopes {
  std::vector<Real> left, right;
};

class Sides {
 public:
  Sides(const Subject& subject, const Data& data)
      : subject_(subject),
        data_(data),
        outputs_(differentiable_outputs(subject)),
        rows_at_(subject, outputs_, data.inputs),
        at_kink_(row_masses(subject, outputs_, data)),
        cotangents_(cotangents<Real>(outputs_, data.inputs)) {}

  OneSided find() {
    OneSided result;
    count_kinks(result);
    find_hulls(result);
    find_along(result);
    return result;
  }

 private:
  void count_kinks(OneSided& result) const {
    result.rows = row_count(outputs_);
    for (const Margin<Real>& row : row_margins(subject_, outputs_, data_)) {
      result.decides = result.decides || std::isfinite(row.margin);
      if (row.margin == 0) ++result.at_kinks;
    }
  }

  // (4 y(h) - 3 y(0) - y(2h)) / 2h on either side, h = eps^(2/5): rounding eps / h leaves 20 of 33 digits, and
  // truncation (h / scale)^2 / 3 as many down to a scale of 1e-4 (a celu's alpha). Where a row does not move the result
  // is 0.
  Slopes slopes(const std::vector<Index>& rows, const Direction& direction) {
    const Real step = std::ldexp(1.0, -(2 * std::numeric_limits<Real>::digits / 5));
    const auto outwards = [&](double sign) {
      std::vector<Real> once = rows_at_(rows, direction, Real(sign) * step);
      const std::vector<Real> twice = rows_at_(rows, direction, Real(2 * sign) * step);
      for (size_t i = 0; i < rows.size(); ++i) {
        const Real& at_kink = at_kink_[static_cast<size_t>(rows[i])].value;
        once[i] = (4 * (once[i] - at_kink) - (twice[i] - at_kink)) / (2 * sign * step);
      }
      return once;
    };
    return {outwards(-1), outwards(1)};
  }

  double mass_of(Index row) const { return at_kink_[static_cast<size_t>(row)].mass; }

  bool same(Index row, const Real& left, const Real& right) const {
    const double size = mass_of(row) + std::abs(static_cast<double>(left));
    return std::abs(static_cast<double>(Real(right - left))) <= 2 * kOneSidedError * size;
  }

  void find_hulls(OneSided& result) {
    const Columns rows_of = rows_on_both_sides(subject_, outputs_, data_);
    const std::vector<Index> columns =
        sample_columns(subject_, outputs_, data_.inputs, rows_of, kEvaluations, kOneSidedBudget);
    for (const std::vector<Index>& group : color_columns(rows_of, columns, row_count(outputs_))) {
      Direction direction;
      for (Index column : group) direction.emplace_back(column, 1.0F);
      const std::vector<Index> rows = rows_of_group(rows_of, group);
      const Slopes all = slopes(rows, direction);
      for (Index column : group) add_hull(result, column, rows_of[static_cast<size_t>(column)], rows, all);
    }
  }

  void add_hull(OneSided& result, Index column, const std::vector<Index>& own, const std::vector<Index>& rows,
                const Slopes& all) const {
    OneSided::Hull hull{column};
    bool differ = false;
    for (Index row : own) {
      const auto at = static_cast<size_t>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
      const Real& u = cotangents_[static_cast<size_t>(row)];
      const Real a = u * all.left[at], b = u * all.right[at];
      hull.low += a < b ? a : b;
      hull.high += a < b ? b : a;
      hull.mass += std::abs(static_cast<double>(u)) * mass_of(row);
      differ = differ || !same(row, all.left[at], all.right[at]);
    }
    if (differ) ++result.two_sided;
    result.hulls.push_back(hull);
  }

  void find_along(OneSided& result) {
    result.together = {data_.name + ", moved together", data_.inputs};
    Direction everywhere;
    for (Index i = 0; i < element_count(data_.inputs.at(subject_.pass.slot).shape); ++i)
      everywhere.emplace_back(i, 1.0F);
    const Slopes all = slopes(all_rows(outputs_), everywhere);
    for_each_row(outputs_, [&](Index row, const Argument& output, Index i) {
      const auto at = static_cast<size_t>(row);
      const auto u = static_cast<double>(cotangents_[at]);
      if (!same(row, all.left[at], all.right[at])) {
        result.together.inputs.at("diff_" + output.name)[i] = 0;
        return;
      }
      result.along += cotangents_[at] * all.right[at];
      result.along_mass += std::abs(u) * mass_of(row);
    });
  }

  const Subject& subject_;
  const Data& data_;
  const std::vector<Argument> outputs_;
  MovedRows<Real> rows_at_;
  const std::vector<Mass<Real>>& at_kink_;  // rows
  const std::vector<Real> cotangents_;
};

}  // namespace

std::vector<Data> kinked_data(const Subject& subject) {
  std::vector<Data> data{kinked_by(subject, "kinks at ties", Regime::kTied),
                         kinked_by(subject, "kinks at zero", Regime::kZero)};
  const auto names_kinks = [](const Slot& slot) { return is_kinked(&slot) && slot.kinks; };
  const std::vector<Slot>& slots = subject.spec().slots;
  if (std::any_of(slots.begin(), slots.end(), names_kinks)) data.push_back(kinked_by(subject, kNamed, Regime::kNormal));
  return data;
}

const OneSided& one_sided(const Subject& subject, const Data& data) {
  return subject.memo->get<OneSided>("one-sided " + subject.pass.to_text() + data.name,
                                     [&] { return Sides(subject, data).find(); });
}

}  // namespace gradproof
