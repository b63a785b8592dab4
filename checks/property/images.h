// Images: what networks are trained on, drawn by the program.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/core/tensor.h"

namespace gradproof {

// Images with what is to be learned of each.
struct Examples {
  Array<float> images;   // {n, 1, size, size}
  Array<float> targets;  // {n} labels, or {n, 2} coordinates
};

// Digits of 28 x 28 pixels, turned, scaled, moved and noisy: every `stream` holds others.
Examples digits(std::uint64_t seed, const char* stream, Index first, Index count);

// Where the middle of a bright square lies: rows and columns from -1 to 1. Squares keep a pixel's distance from the
// border. Either the places that are learned, or those that are held out.
Examples squares(std::uint64_t seed, const char* stream, Index count, bool held_out);

// Images of any size with some of a level, an upright and a slanting stroke, in 5 x 5 pixels each; targets are {n,
// kMarks}, 1 for what is there.
inline constexpr Index kMarks = 3, kMarkSize = 5;
struct Scenes : Examples {
  Array<float> corners;  // {n, kMarks, 2}: the row and column where each begins, if it is there
};
Scenes scenes(std::uint64_t seed, const char* stream, Index first, const Shape& shape);

}  // namespace gradproof
