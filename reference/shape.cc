// Operations that move elements: flatten, reshape, add, concat, dropout. n batch, c channel, i position in space.

#include <cmath>
#include <cstdint>

#include "ops/core/seeded.h"
#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/numbered.h"

namespace gradproof {
namespace {

// flatten and reshape: element number i of dst is element number i of src.
template <class T>
struct ReshapeFormulas {
  T dst(const Position& p) const { return src[linear_of(p, dst_shape)]; }
  T diff_src(const Position& p) const { return diff_dst[linear_of(p, src_shape)]; }

  static FormulaTable<ReshapeFormulas, T> table() {
    return {{"dst", &ReshapeFormulas::dst}, {"diff_src", &ReshapeFormulas::diff_src}};
  }

  ReshapeFormulas(const Case& c, const Arrays<T>& inputs)
      : src_shape(shape_of_slot(c, "src")),
        dst_shape(shape_of_slot(c, "dst")),
        src(inputs, "src"),
        diff_dst(inputs, "diff_dst") {}

 private:
  const Shape src_shape, dst_shape;
  const Numbered<T> src, diff_dst;
};

// Axes along which other has size 1 are repeated.
template <class T>
struct AddFormulas {
  // dst[p] = src[p] + other[p, 0 along the repeated axes]
  T dst(const Position& p) const { return src[linear_of(p, src_shape)] + other[linear_of(in_other(p), other_shape)]; }

  // diff_src[p] = diff_dst[p]
  T diff_src(const Position& p) const { return diff_dst[linear_of(p, src_shape)]; }

  // diff_other[q] = sum of diff_dst[p] over the p where other[q] is added
  T diff_other(const Position& q) const {
    Shape repeats = Shape::filled(src_shape.rank(), 1);
    for (int axis = 0; axis < src_shape.rank(); ++axis)
      if (other_shape[axis] == 1) repeats[axis] = src_shape[axis];
    Position repeat = Position::filled(src_shape.rank(), 0);
    T sum = diff_dst[linear_of(q, src_shape)];
    while (advance(repeat, repeats)) {
      Position p = q;
      for (int axis = 0; axis < p.rank(); ++axis) p[axis] += repeat[axis];
      sum += diff_dst[linear_of(p, src_shape)];
    }
    return sum;
  }

  static FormulaTable<AddFormulas, T> table() {
    return {{"dst", &AddFormulas::dst}, {"diff_src", &AddFormulas::diff_src}, {"diff_other", &AddFormulas::diff_other}};
  }

  AddFormulas(const Case& c, const Arrays<T>& inputs)
      : src_shape(shape_of_slot(c, "src")),
        other_shape(shape_of_slot(c, "other")),
        src(inputs, "src"),
        other(inputs, "other"),
        diff_dst(inputs, "diff_dst") {}

 private:
  Position in_other(Position p) const {
    for (int axis = 0; axis < p.rank(); ++axis)
      if (other_shape[axis] == 1) p[axis] = 0;
    return p;
  }

  const Shape src_shape, other_shape;
  const Numbered<T> src, other, diff_dst;
};

template <class T>
struct ConcatFormulas {
  // dst[n,c,i] = src[n,c,i] where c < C, the channels of src, otherwise other[n, c - C, i]
  T dst(const Point& p) const {
    const auto [n, c, d, h, w] = p;
    return c < channels ? src(p) : other(n, c - channels, d, h, w);
  }

  // diff_src[n,c,i] = diff_dst[n,c,i]
  T diff_src(const Point& p) const { return diff_dst(p); }

  // diff_other[n,c,i] = diff_dst[n, c + C, i]
  T diff_other(const Point& p) const {
    const auto [n, c, d, h, w] = p;
    return diff_dst(n, c + channels, d, h, w);
  }

  static FormulaTable<ConcatFormulas, T> table() {
    using F = ConcatFormulas;
    return {{"dst", &F::dst}, {"diff_src", &F::diff_src}, {"diff_other", &F::diff_other}};
  }

  ConcatFormulas(const Case& c, const Arrays<T>& inputs)
      : channels(c.attributes.integer("c")), src(inputs, "src"), other(inputs, "other"), diff_dst(inputs, "diff_dst") {}

 private:
  const Index channels;
  const Grid<T> src, other, diff_dst;
};

// Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, JMLR 15, section 4.
template <class T>
struct DropoutFormulas {
  // dst[i] = src[i] / (1 - p) where i is kept, otherwise 0
  T dst(const Position& p) const { return dropped(src, p); }

  // diff_src[i] = diff_dst[i] / (1 - p) where i is kept, otherwise 0
  T diff_src(const Position& p) const { return dropped(diff_dst, p); }

  static FormulaTable<DropoutFormulas, T> table() {
    return {{"dst", &DropoutFormulas::dst}, {"diff_src", &DropoutFormulas::diff_src}};
  }

  DropoutFormulas(const Case& c, const Arrays<T>& inputs)
      : training(c.attributes.flag("training")),
        p_dropped(c.attributes.real("p")),
        key(seeded_bits(static_cast<std::uint64_t>(c.attributes.integer("seed")), "dropout", {})),
        shape(shape_of_slot(c, "src")),
        src(inputs, "src"),
        diff_dst(inputs, "diff_dst") {}

 private:
  T dropped(const Numbered<T>& x, const Position& p) const {
    const Index i = linear_of(p, shape);
    if (!training) return x[i];
    return kept(i) ? x[i] / T(1 - p_dropped) : T(0.0);
  }

  // A hash of 32 bits: i plus the lower half of the key, then twice shifted, added to itself without carry and
  // multiplied, with the upper half of the key between. Its upper 24 bits say where in [0, 1) number i falls.
  bool kept(Index i) const {
    auto hash = static_cast<std::uint32_t>(static_cast<std::uint64_t>(i) + key);
    hash = (hash ^ (hash >> 16)) * 0x21F0AAADU;
    hash = (hash ^ (hash >> 15)) + static_cast<std::uint32_t>(key >> 32);
    hash *= 0x735A2D97U;
    hash ^= hash >> 15;
    return (hash >> 8) >= static_cast<std::uint32_t>(std::lround(p_dropped * 0x1p24));
  }

  const bool training;
  const double p_dropped;
  const std::uint64_t key;
  const Shape shape;
  const Numbered<T> src, diff_dst;
};

}  // namespace

Reference flatten_reference() { return make_reference<ReshapeFormulas>(); }
Reference reshape_reference() { return make_reference<ReshapeFormulas>(); }
Reference add_reference() { return make_reference<AddFormulas>(); }
Reference concat_reference() { return make_reference<ConcatFormulas>(); }
Reference dropout_reference() { return make_reference<DropoutFormulas>(); }

}  // namespace gradproof
