// softmax_cross_entropy and nll: losses over classes.
#pragma once

#include "ops/activation/class_panels.h"
#include "ops/core/registry.h"
#include "ops/loss/reduction.h"

namespace gradproof {

struct ClassLossAttributes {
  ClassRows rows;  // along the channels
  Reduction reduction;
  Index ignored;        // a label
  bool weighted, soft;  // classes; labels
  double smoothing;

  // PyTorch asserts that labels are classes; here a row with any other is left out.
  bool counts(Index label) const { return 0 <= label && label < rows.classes && label != ignored; }
};

ClassLossAttributes class_loss_attributes(const Attributes& attributes);

Operation softmax_cross_entropy_operation();
Operation nll_operation();

}  // namespace gradproof
