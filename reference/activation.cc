// Activations and their gradients, element by element.

#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// relu (Nair and Hinton 2010, ICML). -0 and NaN stay what they are; the derivative at 0 is 0, as in PyTorch.
template <class T>
struct ReluFormulas {
  // dst = 0 if src < 0, otherwise src
  T dst(const Point& p) const { return select(exceeds(zero, src(p)), zero, src(p)); }

  // diff_src = diff_dst if src > 0 or src is NaN, otherwise 0
  T diff_src(const Point& p) const { return select(exceeds(src(p), zero), diff_dst(p), zero); }

  static FormulaTable<ReluFormulas, T> table() {
    return {{"dst", &ReluFormulas::dst}, {"diff_src", &ReluFormulas::diff_src}};
  }

  ReluFormulas(const Case&, const Arrays<T>& inputs) : src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

 private:
  const T zero = T(0.0);
  const Grid<T> src, diff_dst;
};

}  // namespace

Reference relu_reference() { return make_reference<ReluFormulas>(); }

}  // namespace gradproof
