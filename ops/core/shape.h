// Shapes, layout strides and positions: short lists of integers without allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace gradproof {

using Index = std::int64_t;

inline constexpr int kMaxRank = 6;

// Up to kMaxRank integers, outermost axis first.
class Extents {
 public:
  Extents() = default;
  Extents(std::initializer_list<Index> values) {
    for (Index value : values) push_back(value);
  }
  static Extents filled(int rank, Index value) {
    Extents result;
    for (int axis = 0; axis < rank; ++axis) result.push_back(value);
    return result;
  }

  void push_back(Index value) { values_[static_cast<size_t>(rank_++)] = value; }
  int rank() const { return rank_; }
  Index& operator[](int axis) { return values_[static_cast<size_t>(axis)]; }
  Index operator[](int axis) const { return values_[static_cast<size_t>(axis)]; }
  const Index* begin() const { return values_.data(); }
  const Index* end() const { return values_.data() + rank_; }

  friend bool operator==(const Extents& a, const Extents& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<Index, kMaxRank> values_{};
  int rank_ = 0;
};

using Shape = Extents;     // sizes, in elements
using Strides = Extents;   // layout strides, in elements; 0 broadcasts
using Position = Extents;  // one index an axis

// The most elements that a tensor may have, 2^31 - 1: 8 GiB of float32, and kernels may count them in 32 bits.
inline constexpr double kMostElements = 2147483647;

// Number of elements; 1 for rank 0.
inline Index element_count(const Shape& shape) {
  Index count = 1;
  for (Index size : shape) count *= size;
  return count;
}

// The same of sizes that may be anything: more than an Index holds.
double unchecked_count(const Shape& shape);

// Layout strides of a dense row-major tensor.
Strides dense_strides(const Shape& shape);

// The position of the element with row-major number `linear`, and back.
Position position_of(Index linear, const Shape& shape);
Index linear_of(const Position& position, const Shape& shape);

// Moves `position` to the next element in row-major order; false after the last one.
inline bool advance(Position& position, const Shape& shape) {
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (++position[axis] < shape[axis]) return true;
    position[axis] = 0;
  }
  return false;
}

// "2x3x8x8" and "[1,2,7,7]".
std::string shape_text(const Shape& shape);
std::string position_text(const Position& position);

}  // namespace gradproof
