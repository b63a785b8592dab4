// Points and grids: tensors of any rank, read by the letters of the formulas (n, c, d, h, w), or by others.
#pragma once

#include <array>
#include <string_view>

#include "ops/core/tensor.h"

namespace gradproof {

// Five indices: batch and channel, or output and input channel of weights, then depth, height and width. Axes that a
// tensor does not have are 0: {n, c, h, w} is (n, c, 0, h, w), {n, c} is (n, c, 0, 0, 0), a channel {c} is (c, 0, ...).
using Point = std::array<Index, 5>;

// `extents` with the missing axes filled in: spatial axes align to the right, the first two to the left.
inline Point point_of(const Extents& extents, Index missing = 0) {
  Point point{missing, missing, missing, missing, missing};
  const int rank = extents.rank(), leading = rank < 2 ? rank : 2;
  for (int axis = 0; axis < leading; ++axis) point[static_cast<size_t>(axis)] = extents[axis];
  for (int axis = leading; axis < rank; ++axis)
    point[static_cast<size_t>(5) - static_cast<size_t>(rank - axis)] = extents[axis];
  return point;
}

// A tensor of an evaluation, which must outlive it. A grid of a tensor that the case does not have must not be read.
template <class T>
class Grid {
 public:
  Grid(const Arrays<T>& arrays, std::string_view name) {
    const auto found = arrays.find(name);
    if (found == arrays.end()) return;
    array_ = &found->second;
    sizes_ = point_of(found->second.shape, 1);
  }

  bool exists() const { return array_ != nullptr; }

  T operator()(Index n, Index c = 0, Index d = 0, Index h = 0, Index w = 0) const {
    return (*array_)[(((n * sizes_[1] + c) * sizes_[2] + d) * sizes_[3] + h) * sizes_[4] + w];
  }
  T operator()(const Point& p) const { return (*this)(p[0], p[1], p[2], p[3], p[4]); }

  // Whether a spatial position lies inside.
  bool contains(Index d, Index h, Index w) const {
    return 0 <= d && d < sizes_[2] && 0 <= h && h < sizes_[3] && 0 <= w && w < sizes_[4];
  }
  // factor * element; on padding zero, whatever the factor: padding takes no part.
  T times(const T& factor, Index n, Index c, Index d, Index h, Index w) const {
    return contains(d, h, w) ? factor * (*this)(n, c, d, h, w) : zero_;
  }
  // The tensor continued with zeros in space.
  T padded(Index n, Index c, Index d, Index h, Index w) const {
    return contains(d, h, w) ? (*this)(n, c, d, h, w) : zero_;
  }

 private:
  const Array<T>* array_ = nullptr;
  Point sizes_{};
  T zero_ = T(0.0);
};

// A tensor whose indices are not those of a Point: kCount of them, whose sizes the formulas name. The tensor may lack
// axes of size 1: it is read by its row-major order. It must outlive this, and not be read where it does not exist.
template <class T, size_t kCount>
class RowMajor {
 public:
  using Indices = std::array<Index, kCount>;

  RowMajor(const Arrays<T>& arrays, std::string_view name, const Indices& sizes) : sizes_(sizes) {
    const auto found = arrays.find(name);
    if (found != arrays.end()) array_ = &found->second;
  }

  bool exists() const { return array_ != nullptr; }

  template <class... I>
  T operator()(I... indices) const {
    static_assert(sizeof...(I) == kCount);
    Index linear = 0, axis = 0;
    ((linear = linear * sizes_[static_cast<size_t>(axis++)] + indices), ...);
    return (*array_)[linear];
  }

  // The indices of the element at a position of the tensor itself.
  Indices indices_of(const Position& position) const {
    Index linear = linear_of(position, array_->shape);
    Indices indices{};
    for (size_t axis = kCount; axis-- > 0; linear /= sizes_[axis]) indices[axis] = linear % sizes_[axis];
    return indices;
  }

 private:
  const Array<T>* array_ = nullptr;
  Indices sizes_;
};

}  // namespace gradproof
