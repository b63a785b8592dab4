// The scalars that every reference formula is instantiated for. number.h states the vocabulary they share.
#pragma once

#include <tuple>

#include "reference/depends.h"
#include "reference/dual.h"
#include "reference/margin.h"
#include "reference/mass.h"
#include "reference/real.h"

namespace gradproof {

// One F for each scalar: the truth, the second truth, directional derivatives, tolerances, sparsity, distance to the
// nearest kink, and the numbers that kernels compute in.
template <template <class> class F>
using FactoriesOf =
    std::tuple<F<Real>, F<Precise>, F<Dual<Real>>, F<Mass<Real>>, F<Depends>, F<Margin<Real>>, F<float>>;

}  // namespace gradproof
