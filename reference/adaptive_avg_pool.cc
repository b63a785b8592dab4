// Averages of as many windows as are asked for.

#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// One axis: window o, one of 0 ... out - 1, holds the inputs floor(o * in / out) ... ceil((o + 1) * in / out) - 1.
struct Cells {
  Index in, out;

  Index first(Index o) const { return o * in / out; }
  Index end(Index o) const { return ((o + 1) * in + out - 1) / out; }
  Index size(Index o) const { return end(o) - first(o); }
  bool holds(Index o, Index i) const { return first(o) <= i && i < end(o); }
};

// The windows of PyTorch's AdaptiveAvgPool. n batch, c channel, o = (od, oh, ow) windows, i = (id, ih, iw) inputs.
template <class T>
struct AdaptiveAvgPoolFormulas {
  // dst[n,c,o] = 1/m[o] * sum over the m[o] inputs i of window o of src[n,c,i]
  T dst(const Point& p) const {
    const auto [n, c, od, oh, ow] = p;
    T sum(0.0);
    for (Index id = d.first(od); id < d.end(od); ++id)
      for (Index ih = h.first(oh); ih < h.end(oh); ++ih)
        for (Index iw = w.first(ow); iw < w.end(ow); ++iw) sum += src(n, c, id, ih, iw);
    return sum / count(od, oh, ow);
  }

  // diff_src[n,c,i] = sum over the windows o that hold i of diff_dst[n,c,o] / m[o]
  T diff_src(const Point& p) const {
    const auto [n, c, id, ih, iw] = p;
    T sum(0.0);
    for (Index od = 0; od < d.out; ++od)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow)
          if (d.holds(od, id) && h.holds(oh, ih) && w.holds(ow, iw))
            sum += diff_dst(n, c, od, oh, ow) / count(od, oh, ow);
    return sum;
  }

  static FormulaTable<AdaptiveAvgPoolFormulas, T> table() {
    return {{"dst", &AdaptiveAvgPoolFormulas::dst}, {"diff_src", &AdaptiveAvgPoolFormulas::diff_src}};
  }

  AdaptiveAvgPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : d(cells(c.attributes, "d")),
        h(cells(c.attributes, "h")),
        w(cells(c.attributes, "w")),
        src(inputs, "src"),
        diff_dst(inputs, "diff_dst") {}

 private:
  static Cells cells(const Attributes& attributes, const std::string& axis) {
    const bool exists = attributes.rank() >= (axis == "d" ? 3 : axis == "h" ? 2 : 1);
    if (!exists) return {1, 1};
    return {attributes.integer("i" + axis), attributes.integer("o" + axis)};
  }

  T count(Index od, Index oh, Index ow) const { return T(static_cast<double>(d.size(od) * h.size(oh) * w.size(ow))); }

  const Cells d, h, w;
  const Grid<T> src, diff_dst;
};

}  // namespace

Reference adaptive_avg_pool_reference() { return make_reference<AdaptiveAvgPoolFormulas>(); }

}  // namespace gradproof
