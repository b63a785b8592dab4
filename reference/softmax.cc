// softmax, its logarithm, and their gradients. j and k are places along the axis, r a row along it.

#include <optional>
#include <vector>

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/log_sum_exp.h"

namespace gradproof {
namespace {

template <class T>
struct OfRows {
  OfRows(const Case& c, const Arrays<T>& inputs)
      : shape(shape_of_slot(c, "src")),
        rows(shape, static_cast<int>(c.attributes.integer("axis"))),
        diff_dst(inputs, "diff_dst"),
        exponentials(rows, Numbered<T>(inputs, "src"), element_count(shape)),
        sums(static_cast<size_t>(element_count(shape) / rows.length)) {}

  // What f says about row and place of an element.
  template <class F>
  T at(const Position& p, F f) const {
    const Index element = linear_of(p, shape);
    return f(rows.row_of(element), rows.place_of(element));
  }
  // The sum of `term` over k, computed once a row: all of its elements share it.
  template <class Term>
  const T& sum_over_row(Index r, Term term) const {
    std::optional<T>& known = sums[static_cast<size_t>(r)];
    if (known) return *known;
    T sum(0.0);
    for (Index k = 0; k < rows.length; ++k) sum += term(diff_dst[rows.element(r, k)], k);
    return known.emplace(sum);
  }

  const Shape shape;
  const RowsAlong rows;
  const Numbered<T> diff_dst;
  const LogSumExp<T> exponentials;
  mutable std::vector<std::optional<T>> sums;  // by row, once computed
};

// Bridle 1990, in Neurocomputing, NATO ASI Series 68, equation 10.
template <class T>
struct SoftmaxFormulas : OfRows<T> {
  using OfRows<T>::OfRows;

  // dst_j = exp(src_j) / sum over k of exp(src_k)
  T dst(const Position& p) const {
    return this->at(p, [&](Index r, Index j) { return this->exponentials.share(r, j); });
  }

  // diff_src_j = dst_j * (diff_dst_j - sum over k of diff_dst_k * dst_k)
  T diff_src(const Position& p) const {
    return this->at(p, [&](Index r, Index j) {
      const T& mean = this->sum_over_row(r, [&](const T& u, Index k) { return u * this->exponentials.share(r, k); });
      return this->exponentials.share(r, j) * (this->diff_dst[this->rows.element(r, j)] - mean);
    });
  }

  static FormulaTable<SoftmaxFormulas, T> table() {
    return {{"dst", &SoftmaxFormulas::dst}, {"diff_src", &SoftmaxFormulas::diff_src}};
  }
};

template <class T>
struct LogSoftmaxFormulas : OfRows<T> {
  using OfRows<T>::OfRows;

  // dst_j = src_j - log(sum over k of exp(src_k))
  T dst(const Position& p) const {
    return this->at(p, [&](Index r, Index j) { return this->exponentials.log_share(r, j); });
  }

  // diff_src_j = diff_dst_j - exp(dst_j) * sum over k of diff_dst_k
  T diff_src(const Position& p) const {
    return this->at(p, [&](Index r, Index j) {
      const T& sum = this->sum_over_row(r, [](const T& u, Index) { return u; });
      return this->diff_dst[this->rows.element(r, j)] - T(exp(this->exponentials.log_share(r, j))) * sum;
    });
  }

  static FormulaTable<LogSoftmaxFormulas, T> table() {
    return {{"dst", &LogSoftmaxFormulas::dst}, {"diff_src", &LogSoftmaxFormulas::diff_src}};
  }
};

}  // namespace

Reference softmax_reference() { return make_reference<SoftmaxFormulas>(); }
Reference log_softmax_reference() { return make_reference<LogSoftmaxFormulas>(); }

}  // namespace gradproof
