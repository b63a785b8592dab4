// deform_conv: deformable convolution with given offsets (v1) and modulation mask (v2); the formulas are in deform.h.

#include "reference/deform.h"
#include "reference/families.h"

namespace gradproof {
namespace {

template <class T>
struct DeformConvFormulas : Deformed<T, Grid> {
  DeformConvFormulas(const Case& c, const Arrays<T>& inputs)
      : Deformed<T, Grid>(c.attributes, inputs, Grid<T>(inputs, "offset"), Grid<T>(inputs, "mask")) {}

  static FormulaTable<DeformConvFormulas, T> table() {
    return {{"dst", &DeformConvFormulas::dst},
            {"diff_src", &DeformConvFormulas::diff_src},
            {"diff_offset", &DeformConvFormulas::diff_offset},
            {"diff_mask", &DeformConvFormulas::diff_mask},
            {"diff_weights", &DeformConvFormulas::diff_weights},
            {"diff_bias", &DeformConvFormulas::diff_bias}};
  }
};

}  // namespace

Reference deform_conv_reference() { return make_reference<DeformConvFormulas>(); }

}  // namespace gradproof
