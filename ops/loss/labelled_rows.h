// What kernels of losses over classes share: which rows count, and what their losses are divided by.
#pragma once

#include <cstdint>

#include "ops/loss/class_loss.h"

namespace gradproof {

// Labels, or null where they are soft; weights of classes, or null where all are 1.
struct LabelledRows {
  const ClassLossAttributes& a;
  const std::int32_t* labels;
  const float* weights;

  bool counts(Index row) const { return labels == nullptr || a.counts(labels[row]); }
  float weight(Index row) const { return weights == nullptr ? 1.0F : weights[labels[row]]; }

  // The sum of the weights of the rows that count, or their number.
  double divisor() const {
    if (labels == nullptr) return static_cast<double>(a.rows.rows());
    double sum = 0;
    for (Index row = 0; row < a.rows.rows(); ++row)
      if (counts(row)) sum += static_cast<double>(weight(row));
    return sum;
  }
  bool none_count() const {
    if (labels == nullptr) return false;
    for (Index row = 0; row < a.rows.rows(); ++row)
      if (counts(row)) return false;
    return true;
  }

  // The loss, of the sum of all.
  float reduced(double sum) const {
    if (none_count()) return 0;
    return static_cast<float>(a.reduction == Reduction::kMean ? sum / divisor() : sum);
  }
  // The cotangent of a row that counts; where the loss is one of many, of the sum of all.
  float gain(float diff_dst) const {
    if (a.reduction != Reduction::kMean || none_count()) return diff_dst;
    return static_cast<float>(static_cast<double>(diff_dst) / divisor());
  }
};

}  // namespace gradproof
