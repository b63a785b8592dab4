// batch_norm: each channel normalized by its mean and variance over batch and space, or by running statistics.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

struct BatchNormAttributes {
  Index mb, c;
  Index space;  // elements of one channel of one image
  bool training, affine;
  double momentum, eps;

  Index count() const { return mb * space; }  // elements that a channel's statistics are taken over
};

BatchNormAttributes batch_norm_attributes(const Attributes& attributes);

Operation batch_norm_operation();

}  // namespace gradproof
