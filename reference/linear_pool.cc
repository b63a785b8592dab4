// Averages and sums of windows, and their gradients, and the pool that scales sums by what it learns.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/pooling.h"

namespace gradproof {
namespace {

// avg_pool, with the conventions of PyTorch's AvgPool: the divisor counts taps on the input and, with
// count_include_pad, on its padding, never those beyond; a divisor that is given replaces it.
template <class T>
struct AvgPoolFormulas : Pooling<T> {
  // dst[n,c,o] = 1/divisor[o] * sum over the taps k inside of src[n, c, o * stride - pad + k * dilation]
  T dst(const Point& window) const { return this->sum_of_window(window) / divisor_of(window); }

  // diff_src[n,c,i] = sum over the windows o that see i of diff_dst[n,c,o] / divisor[o]
  T diff_src(const Point& p) const {
    T sum(0.0);
    this->for_each_window(p, [&](const Point& window) { sum += this->diff_dst(window) / divisor_of(window); });
    return sum;
  }

  static FormulaTable<AvgPoolFormulas, T> table() {
    return {{"dst", &AvgPoolFormulas::dst}, {"diff_src", &AvgPoolFormulas::diff_src}};
  }

  AvgPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : Pooling<T>(window_of(c.attributes), inputs),
        axes(window_of(c.attributes).axes),
        count_include_pad(c.attributes.flag("count_include_pad")),
        divisor(c.attributes.integer("divisor")) {}

 private:
  // divisor[o] = number of the taps k of the window within the input, or within the padded input
  T divisor_of(const Point& o) const {
    if (divisor != 0) return T(static_cast<double>(divisor));
    Index count = 0;
    this->for_each_tap(o, [&](Index id, Index ih, Index iw) {
      if (counts(axes[0], id) && counts(axes[1], ih) && counts(axes[2], iw)) ++count;
    });
    return T(static_cast<double>(count));
  }

  bool counts(const WindowAxis& axis, Index i) const {
    const Index before = count_include_pad ? axis.pad_lo : 0, behind = count_include_pad ? axis.pad_hi : 0;
    return -before <= i && i < axis.in + behind;
  }

  const std::array<WindowAxis, 3> axes;
  const bool count_include_pad;
  const Index divisor;
};

template <class T>
struct SumPoolFormulas : Pooling<T> {
  // dst[n,c,o] = sum over the taps k inside of src[n, c, o * stride - pad + k * dilation]
  T dst(const Point& window) const { return this->sum_of_window(window); }

  // diff_src[n,c,i] = sum over the windows o that see i of diff_dst[n,c,o]
  T diff_src(const Point& p) const {
    T sum(0.0);
    this->for_each_window(p, [&](const Point& window) { sum += this->diff_dst(window); });
    return sum;
  }

  static FormulaTable<SumPoolFormulas, T> table() {
    return {{"dst", &SumPoolFormulas::dst}, {"diff_src", &SumPoolFormulas::diff_src}};
  }

  SumPoolFormulas(const Case& c, const Arrays<T>& inputs) : Pooling<T>(window_of(c.attributes), inputs) {}
};

// subsample: LeCun, Bottou, Bengio and Haffner 1998, section II.B, without the sigmoid.
template <class T>
struct SubsampleFormulas : Pooling<T> {
  // dst[n,c,o] = coefficient[c] * sum over the taps k inside of src[n, c, o * stride - pad + k * dilation] + bias[c]
  T dst(const Point& window) const { return coefficient(window[1]) * this->sum_of_window(window) + bias(window[1]); }

  // diff_src[n,c,i] = sum over the windows o that see i of diff_dst[n,c,o] * coefficient[c]
  T diff_src(const Point& p) const {
    T sum(0.0);
    this->for_each_window(p, [&](const Point& window) { sum += this->diff_dst(window) * coefficient(window[1]); });
    return sum;
  }

  // diff_coefficient[c] = sum over n, o of diff_dst[n,c,o] * sum over the taps k inside of src[n,c, ...]
  T diff_coefficient(const Point& p) const {
    return sum_over_windows(p[0],
                            [&](const Point& window) { return this->diff_dst(window) * this->sum_of_window(window); });
  }

  // diff_bias[c] = sum over n, o of diff_dst[n,c,o]
  T diff_bias(const Point& p) const {
    return sum_over_windows(p[0], [&](const Point& window) { return this->diff_dst(window); });
  }

  static FormulaTable<SubsampleFormulas, T> table() {
    using F = SubsampleFormulas;
    return {{"dst", &F::dst},
            {"diff_src", &F::diff_src},
            {"diff_coefficient", &F::diff_coefficient},
            {"diff_bias", &F::diff_bias}};
  }

  SubsampleFormulas(const Case& c, const Arrays<T>& inputs)
      : Pooling<T>(window_of(c.attributes), inputs),
        mb(c.attributes.integer("mb")),
        coefficient(inputs, "coefficient"),
        bias(inputs, "bias") {}

 private:
  template <class Term>
  T sum_over_windows(Index c, Term term) const {
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index od = 0; od < this->d.out; ++od)
        for (Index oh = 0; oh < this->h.out; ++oh)
          for (Index ow = 0; ow < this->w.out; ++ow) sum += term(Point{n, c, od, oh, ow});
    return sum;
  }

  const Index mb;
  const Grid<T> coefficient, bias;
};

}  // namespace

Reference avg_pool_reference() { return make_reference<AvgPoolFormulas>(); }
Reference sum_pool_reference() { return make_reference<SumPoolFormulas>(); }
Reference subsample_reference() { return make_reference<SubsampleFormulas>(); }

}  // namespace gradproof
