#include "checks/property/images.h"

#include <cmath>

#include "checks/inputs.h"

namespace gradproof {
namespace {

// Five columns and seven rows of dots, '#' where there is ink.
constexpr Index kGlyphRows = 7, kGlyphColumns = 5;
constexpr const char* kGlyphs[10] = {
    " ### #   ##  ### # ###  ##   # ### ",  //
    "  #   ##    #    #    #    #   ### ",  //
    " ### #   #    #   #   #   #   #####",  //
    "#####   #   #     #     ##   # ### ",  //
    "   #   ##  # # #  # #####   #    # ",  //
    "######    ####     #    ##   # ### ",  //
    "  ##  #   #    #### #   ##   # ### ",  //
    "#####    #   #   #   #    #    #   ",  //
    " ### #   ##   # ### #   ##   # ### ",  //
    " ### #   ##   # ####    #   #  ##  ",  //
};

class Draws {
 public:
  Draws(std::uint64_t seed, const char* stream, Index image) : seed_(seed), stream_(stream), image_(image) {}
  double uniform(double low, double high) {
    return low + (high - low) * std::ldexp(static_cast<double>(bits() >> 11), -53);
  }
  Index below(Index count) { return static_cast<Index>(bits() % static_cast<std::uint64_t>(count)); }
  double noise() { return seeded_value(seed_, stream_, Position{image_, count_++}, Regime::kNormal, Domain::kReal); }

 private:
  std::uint64_t bits() { return seeded_bits(seed_, stream_, Position{image_, count_++}); }

  std::uint64_t seed_;
  const char* stream_;
  Index image_, count_ = 0;
};

double ink(const char* glyph, Index row, Index column) {
  if (row < 0 || row >= kGlyphRows || column < 0 || column >= kGlyphColumns) return 0;
  return glyph[row * kGlyphColumns + column] == '#' ? 1 : 0;
}

// Between dots, by bilinear interpolation.
double ink(const char* glyph, double row, double column) {
  const double top = std::floor(row), left = std::floor(column), down = row - top, right = column - left;
  const auto r = static_cast<Index>(top), c = static_cast<Index>(left);
  return (1 - down) * ((1 - right) * ink(glyph, r, c) + right * ink(glyph, r, c + 1)) +
         down * ((1 - right) * ink(glyph, r + 1, c) + right * ink(glyph, r + 1, c + 1));
}

void draw_digit(Index digit, Draws draws, float* pixels) {
  constexpr Index kSize = 28;
  const double angle = draws.uniform(-0.2, 0.2), scale = draws.uniform(2.4, 3.4), ink_strength = draws.uniform(0.7, 1);
  const double middle_row = 13.5 + draws.uniform(-3, 3), middle_column = 13.5 + draws.uniform(-4, 4);
  for (Index y = 0; y < kSize; ++y)
    for (Index x = 0; x < kSize; ++x) {
      const double v = (static_cast<double>(y) - middle_row) / scale,
                   h = (static_cast<double>(x) - middle_column) / scale;
      const double row = std::cos(angle) * v - std::sin(angle) * h + 3,
                   column = std::sin(angle) * v + std::cos(angle) * h + 2;
      pixels[y * kSize + x] = static_cast<float>(ink_strength * ink(kGlyphs[digit], row, column) + 0.2 * draws.noise());
    }
}

}  // namespace

Examples digits(std::uint64_t seed, const char* stream, Index first, Index count) {
  constexpr Index kSize = 28;
  Examples examples{Array<float>(Shape{count, 1, kSize, kSize}), Array<float>(Shape{count})};
  for (Index n = 0; n < count; ++n) {
    Draws draws(seed, stream, first + n);
    const Index digit = draws.below(10);
    examples.targets[n] = static_cast<float>(digit);
    draw_digit(digit, draws, &examples.images[n * kSize * kSize]);
  }
  return examples;
}

Examples squares(std::uint64_t seed, const char* stream, Index count, bool held_out) {
  constexpr Index kSize = 16, kSide = 3, kPlaces = kSize - kSide - 1;
  Examples examples{Array<float>(Shape{count, 1, kSize, kSize}), Array<float>(Shape{count, 2})};
  for (Index n = 0; n < count; ++n) {
    Draws draws(seed, stream, n);
    Index top = 0, left = 0;
    do {
      top = 1 + draws.below(kPlaces);
      left = 1 + draws.below(kPlaces);
    } while ((seeded_bits(seed, "held out", Position{top, left}) % 3 == 0) != held_out);
    for (Index y = top; y < top + kSide; ++y)
      for (Index x = left; x < left + kSide; ++x) examples.images[(n * kSize + y) * kSize + x] = 1;
    const auto coordinate = [](Index start) { return static_cast<float>(2 * (start + 1) - (kSize - 1)) / (kSize - 1); };
    examples.targets[2 * n] = coordinate(top);
    examples.targets[2 * n + 1] = coordinate(left);
  }
  return examples;
}

namespace {

constexpr const char* kMarkShapes[kMarks] = {
    "          #####          ",  //
    "  #    #    #    #    #  ",  //
    "    #   #   #   #   #    ",  //
};

void draw_mark(Index mark, Index top, Index left, Index width, float* pixels) {
  for (Index i = 0; i < kMarkSize * kMarkSize; ++i)
    if (kMarkShapes[mark][i] == '#') pixels[(top + i / kMarkSize) * width + left + i % kMarkSize] += 1;
}

}  // namespace

// Each in a third of the image, so that they do not touch; which in which third differs.
Scenes scenes(std::uint64_t seed, const char* stream, Index first, const Shape& shape) {
  const Index count = shape[0], height = shape[2], width = shape[3], third = width / kMarks;
  Scenes result{{Array<float>(shape), Array<float>(Shape{count, kMarks})}, Array<float>(Shape{count, kMarks, 2})};
  for (Index n = 0; n < count; ++n) {
    Draws draws(seed, stream, first + n);
    const Index turn = draws.below(kMarks);
    float* pixels = &result.images[n * height * width];
    for (Index mark = 0; mark < kMarks; ++mark) {
      const Index top = draws.below(height - kMarkSize + 1);
      const Index left = (mark + turn) % kMarks * third + draws.below(third - kMarkSize + 1);
      result.corners.at({n, mark, 0}) = static_cast<float>(top);
      result.corners.at({n, mark, 1}) = static_cast<float>(left);
      if (draws.below(2) == 0) continue;
      draw_mark(mark, top, left, width, pixels);
      result.targets.at({n, mark}) = 1;
    }
    for (Index i = 0; i < height * width; ++i) pixels[i] += static_cast<float>(0.1 * draws.noise());
  }
  return result;
}

}  // namespace gradproof
