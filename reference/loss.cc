// Losses over classes, and their gradients. r is a row, that is the scores of all classes at one place, j a class and C
// their number, t the label of a row and w the weights of the classes, 1 where the case has none.

#include "ops/loss/reduction.h"
#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/log_sum_exp.h"

namespace gradproof {
namespace {

// What is made of the losses of rows. A label that is ignore_index, or no class, takes its row out: the row has loss 0
// and counts in no mean. The mean over no rows is 0.
template <class T>
struct LabelledRows {
  LabelledRows(const Case& c, const Arrays<T>& inputs)
      : reduction(reduction_of(c.attributes)),
        ignored(c.attributes.integer("ignore_index")),
        shape(shape_of_slot(c, "src")),
        rows(shape, 1),
        row_count(element_count(shape) / rows.length),
        src(inputs, "src"),
        target(inputs, "target"),
        class_weights(inputs, "class_weights"),
        diff_dst(inputs, "diff_dst") {}

  bool has_labels() const { return target.exists(); }
  Index label(Index r) const { return whole(target[r]); }
  bool counts(Index r) const {
    return !has_labels() || (0 <= label(r) && label(r) < rows.length && label(r) != ignored);
  }
  T weight(Index j) const { return class_weights.exists() ? class_weights[j] : T(1.0); }

  // The sum of w_t over the rows that count; with soft labels the number of rows.
  const T& divisor() const {
    if (divisor_) return *divisor_;
    T sum(0.0);
    for (Index r = 0; r < row_count; ++r)
      if (counts(r)) sum += has_labels() ? weight(label(r)) : T(1.0);
    return divisor_.emplace(sum);
  }
  bool none_count() const {
    for (Index r = 0; r < row_count; ++r)
      if (counts(r)) return false;
    return true;
  }

  // The row at a place of a tensor that has no axis of classes.
  Index row_at(const Position& p) const {
    Index r = 0;
    for (int axis = 0; axis < p.rank(); ++axis) r = r * shape[axis == 0 ? 0 : axis + 1] + p[axis];
    return r;
  }

  // Of the row at p, the sum over all rows, or that by the divisor.
  template <class Loss>
  T reduced(const Position& p, Loss loss) const {
    if (reduction == Reduction::kNone) return counts(row_at(p)) ? loss(row_at(p)) : T(0.0);
    if (none_count()) return T(0.0);
    T sum(0.0);
    for (Index r = 0; r < row_count; ++r)
      if (counts(r)) sum += loss(r);
    return reduction == Reduction::kMean ? sum / divisor() : sum;
  }

  // The cotangent of the loss of row r.
  T gain(Index r) const {
    if (reduction == Reduction::kNone) return diff_dst[r];
    return reduction == Reduction::kMean ? diff_dst[0] / divisor() : diff_dst[0];
  }

  const Reduction reduction;
  const Index ignored;
  const Shape shape;
  const RowsAlong rows;
  const Index row_count;
  const Numbered<T> src, target, class_weights, diff_dst;

 private:
  mutable std::optional<T> divisor_;
};

// PyTorch's cross_entropy: the loss of row r is - sum over j of c_j * log(softmax(src)_j) with coefficients c.
// Smoothing: Szegedy et al. 2016, CVPR, section 7.
template <class T>
struct SoftmaxCrossEntropyFormulas : LabelledRows<T> {
  SoftmaxCrossEntropyFormulas(const Case& c, const Arrays<T>& inputs)
      : LabelledRows<T>(c, inputs),
        smoothing(c.attributes.real("label_smoothing")),
        soft_target(inputs, "soft_target"),
        exponentials(this->rows, this->src, element_count(this->shape)) {}

  T dst(const Position& p) const {
    return this->reduced(p, [&](Index r) {
      if (this->has_labels() && smoothing == 0)
        return -(this->weight(this->label(r)) * exponentials.log_share(r, this->label(r)));
      T sum(0.0);
      for (Index j = 0; j < this->rows.length; ++j) sum -= coefficient(r, j) * exponentials.log_share(r, j);
      return sum;
    });
  }

  // log(sum over j of exp(src_j)) in two parts: the largest of src, and what the sum is without it
  T largest(const Position& p) const { return exponentials.largest(this->row_at(p)); }
  T sum(const Position& p) const { return exponentials.sum(this->row_at(p)); }

  // diff_src_j = gain * (softmax(src)_j * (sum over k of c_k) - c_j)
  T diff_src(const Position& p) const {
    const Index element = linear_of(p, this->shape), r = this->rows.row_of(element), j = this->rows.place_of(element);
    if (!this->counts(r)) return T(0.0);
    return this->gain(r) * (exponentials.share(r, j) * all_coefficients(r) - coefficient(r, j));
  }

  // diff_soft_target_j = - gain * (1 - smoothing) * w_j * log(softmax(src)_j)
  T diff_soft_target(const Position& p) const {
    const Index element = linear_of(p, this->shape), r = this->rows.row_of(element), j = this->rows.place_of(element);
    return -(this->gain(r) * (T(1 - smoothing) * this->weight(j)) * exponentials.log_share(r, j));
  }

  static FormulaTable<SoftmaxCrossEntropyFormulas, T> table() {
    using F = SoftmaxCrossEntropyFormulas;
    return {{"dst", &F::dst},
            {"max", &F::largest},
            {"sum", &F::sum},
            {"diff_src", &F::diff_src},
            {"diff_soft_target", &F::diff_soft_target}};
  }

 private:
  // c_j = w_j * ((1 - smoothing) * q_j + smoothing / C), where q_j is the soft label, or 1 for j = t and else 0
  T coefficient(Index r, Index j) const {
    const T spread = T(smoothing / static_cast<double>(this->rows.length)) * this->weight(j);
    if (!this->has_labels()) {
      const T labelled = this->weight(j) * soft_target[this->rows.element(r, j)];
      return smoothing == 0 ? labelled : T(1 - smoothing) * labelled + spread;
    }
    if (j != this->label(r)) return smoothing == 0 ? T(0.0) : spread;
    return smoothing == 0 ? this->weight(j) : T(1 - smoothing) * this->weight(j) + spread;
  }
  T all_coefficients(Index r) const {
    if (this->has_labels() && smoothing == 0) return this->weight(this->label(r));
    T sum(0.0);
    for (Index j = 0; j < this->rows.length; ++j) sum += coefficient(r, j);
    return sum;
  }

  const double smoothing;
  const Numbered<T> soft_target;
  const LogSumExp<T> exponentials;
};

// PyTorch's nll_loss, of what log_softmax gives.
template <class T>
struct NllFormulas : LabelledRows<T> {
  using LabelledRows<T>::LabelledRows;

  // The loss of a row is - w_t * src_t
  T dst(const Position& p) const {
    return this->reduced(p, [&](Index r) {
      const Index t = this->label(r);
      return -(this->weight(t) * this->src[this->rows.element(r, t)]);
    });
  }

  // diff_src_j = - gain * w_t for j = t, otherwise 0
  T diff_src(const Position& p) const {
    const Index element = linear_of(p, this->shape), r = this->rows.row_of(element), j = this->rows.place_of(element);
    if (!this->counts(r) || j != this->label(r)) return T(0.0);
    return -(this->gain(r) * this->weight(j));
  }

  static FormulaTable<NllFormulas, T> table() {
    return {{"dst", &NllFormulas::dst}, {"diff_src", &NllFormulas::diff_src}};
  }
};

}  // namespace

Reference softmax_cross_entropy_reference() { return make_reference<SoftmaxCrossEntropyFormulas>(); }
Reference nll_reference() { return make_reference<NllFormulas>(); }

}  // namespace gradproof
