// Seeded values: every element is a hash of (seed, slot, position), so a smaller case keeps its values and any run can
// be repeated anywhere.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ops/core/spec.h"
#include "ops/core/tensor.h"

namespace gradproof {

// What kind of data: each regime sees bugs that the others cannot.
enum class Regime {
  kNormal,     // near-normal, unit variance
  kInteger,    // whole numbers from -4 to 4: float32 sums are exact in any order
  kLargeMean,  // mean 1000, spread 1: cancellation
  kSparse,     // half zeros, the rest positive: after a relu
  kWide,       // magnitudes from 2^-20 to 2^20
  kDenormal,   // magnitudes round the smallest normal number
  kConstant,   // one value throughout
  kTied,       // few distinct values, so that maxima tie
  kZero,       // zeros of either sign
};

std::string_view regime_name(Regime regime);

// 64 well-mixed bits for (seed, slot, position).
std::uint64_t seeded_bits(std::uint64_t seed, std::string_view slot, const Position& position);

// The value of one element. Always a float32 number, finite, and positive where the domain says so.
float seeded_value(std::uint64_t seed, std::string_view slot, const Position& position, Regime regime, Domain domain);

// Fills a dense float32 tensor with seeded values.
void fill_seeded(const TensorRef& tensor, std::uint64_t seed, std::string_view slot, Regime regime, Domain domain);

// The seeded values of an argument, row-major. One that has choices takes any of them in every regime.
std::vector<float> seeded_values(const Argument& argument, std::uint64_t seed, Regime regime);

}  // namespace gradproof
