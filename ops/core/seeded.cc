#include "ops/core/seeded.h"

#include <cmath>

namespace gradproof {
namespace {

// The finalizer of splitmix64 (Steele, Lea, Flood 2014): a bijection in which every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

std::uint64_t prefix(std::uint64_t seed, std::string_view slot) {
  std::uint64_t bits = mix(seed);
  for (char c : slot) bits = mix(bits ^ static_cast<unsigned char>(c));
  return bits;
}

std::uint64_t extend(std::uint64_t bits, Index index) { return mix(bits ^ static_cast<std::uint64_t>(index)); }

// Sum of four uniforms, scaled to unit variance: bounded, and the same on every machine.
float near_normal(std::uint64_t bits) {
  Index sum = 0;
  for (int part = 0; part < 4; ++part) sum += static_cast<Index>((bits >> (16 * part)) & 0xFFFF);
  constexpr double kScale = 1.7320508075688772 / 65536.0;  // the variance of the sum of four uniforms is 1/3
  return static_cast<float>((static_cast<double>(sum) - 2 * 65535.0) * kScale);
}

// Uniform in (-1, 1) without zero.
float signed_unit(std::uint64_t bits) {
  const float magnitude = std::ldexp(static_cast<float>((bits >> 40) | 1), -24);
  return (bits & 1) != 0 ? -magnitude : magnitude;
}

float value_from(std::uint64_t bits, Regime regime) {
  switch (regime) {
    case Regime::kNormal:
      return near_normal(bits);
    case Regime::kInteger:
      return static_cast<float>(static_cast<int>(bits % 9) - 4);
    case Regime::kLargeMean:
      return 1000.0F + near_normal(bits);
    case Regime::kSparse:
      return std::max(0.0F, near_normal(bits));
    case Regime::kWide:
      return std::ldexp(signed_unit(bits), static_cast<int>((bits >> 8) % 41) - 20);
    case Regime::kDenormal:
      return std::ldexp(signed_unit(bits), -124 - static_cast<int>((bits >> 8) % 16));
    case Regime::kConstant:
      return 0.75F;
    case Regime::kTied:
      return static_cast<float>(static_cast<int>(bits % 3) - 1);
    case Regime::kZero:
      return bits % 2 == 0 ? 0.0F : -0.0F;
  }
  return 0;
}

float into_domain(float value, Domain domain) { return domain == Domain::kPositive ? std::fabs(value) + 0.25F : value; }

}  // namespace

std::string_view regime_name(Regime regime) {
  switch (regime) {
    case Regime::kNormal:
      return "normal";
    case Regime::kInteger:
      return "integer";
    case Regime::kLargeMean:
      return "large-mean";
    case Regime::kSparse:
      return "sparse";
    case Regime::kWide:
      return "wide";
    case Regime::kDenormal:
      return "denormal";
    case Regime::kConstant:
      return "constant";
    case Regime::kTied:
      return "tied";
    case Regime::kZero:
      return "zero";
  }
  return "";
}

std::uint64_t seeded_bits(std::uint64_t seed, std::string_view slot, const Position& position) {
  std::uint64_t bits = prefix(seed, slot);
  for (Index index : position) bits = extend(bits, index);
  return bits;
}

float seeded_value(std::uint64_t seed, std::string_view slot, const Position& position, Regime regime, Domain domain) {
  return into_domain(value_from(seeded_bits(seed, slot, position), regime), domain);
}

void fill_seeded(const TensorRef& tensor, std::uint64_t seed, std::string_view slot, Regime regime, Domain domain) {
  if (element_count(tensor.shape) == 0) return;
  const int last = tensor.shape.rank() - 1;
  Shape outer = tensor.shape;
  outer[last] = 1;
  Position row = Position::filled(tensor.shape.rank(), 0);
  const std::uint64_t start = prefix(seed, slot);
  float* out = tensor.floats();
  do {
    std::uint64_t bits = start;
    for (int axis = 0; axis < last; ++axis) bits = extend(bits, row[axis]);
    for (Index i = 0; i < tensor.shape[last]; ++i) *out++ = into_domain(value_from(extend(bits, i), regime), domain);
  } while (advance(row, outer));
}

std::vector<float> seeded_values(const Argument& argument, std::uint64_t seed, Regime regime) {
  const Shape& shape = argument.shape;
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  if (argument.choices == 0) {
    fill_seeded({values.data(), ElementType::kFloat32, shape, dense_strides(shape)}, seed, argument.name, regime,
                argument.domain);
    return values;
  }
  const auto choices = static_cast<std::uint64_t>(argument.choices);
  for (Index i = 0; i < element_count(shape); ++i)
    values[static_cast<size_t>(i)] =
        static_cast<float>(seeded_bits(seed, argument.name, position_of(i, shape)) % choices);
  return values;
}

}  // namespace gradproof
