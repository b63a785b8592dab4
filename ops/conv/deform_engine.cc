#include "ops/conv/deform_engine.h"

#include <algorithm>
#include <vector>

#include "ops/conv/deform_plan.h"
#include "ops/simd/outer_problem.h"

namespace gradproof {
namespace {

double real(Index x) { return static_cast<double>(x); }

double blocks_of(Index terms, Index block) { return real((terms + block - 1) / block); }

// Depths as mass.h counts them: a product has those of both factors and one more.
struct SampleDepths {
  double end;     // the weight of an end of a cell: one rounding more than the offset
  double corner;  // the product of two ends
  double masked;  // times the mask
  double sample;  // times src; the sum of four
};

SampleDepths sample_depths(const DeformConvAttributes& a, const FieldDepths& fields) {
  SampleDepths depths{};
  depths.end = fields.offset + 1;
  depths.corner = 2 * depths.end + 1;
  depths.masked = depths.corner + (a.mask ? fields.mask + 1 : 0);
  depths.sample = depths.masked + 1 + 3;
  return depths;
}

// Blocks of channels, of which the outer kernel cuts each into blocks of terms.
double forward_depth(const DeformConvAttributes& a) {
  Index chain = 0;
  std::vector<Index> sums(static_cast<size_t>(a.g));
  for (const ChannelBlock& block : DeformPlan(a, kBlockChannels, 1).blocks)
    for (const GroupPart& part : block.parts) {
      const Index terms = part.count * a.window.taps();
      chain = std::max(chain, std::min(terms, outer_block_depth(terms)));
      sums[static_cast<size_t>(part.group)] += outer_blocks(terms);
    }
  return real(chain + *std::max_element(sums.begin(), sums.end()));
}

}  // namespace

// Places in images, weights and columns are 32-bit, and positions are whole numbers in float32.
std::optional<std::string> deform_engine_limit(const DeformConvAttributes& a) {
  constexpr Index kWidestVector = 16;
  constexpr double kMost = 2147483647.0, kWholeNumbers = 16777216.0;
  for (const WindowAxis& axis : {a.height(), a.width()})
    if (real(axis.in) + real(axis.pad_lo) + real(axis.pad_hi) >= kWholeNumbers) return "an axis exceeds 2^24 positions";
  const double image = (real(a.window.in_count()) + 1) * real(a.ic + a.og * kWidestVector);
  const double output = real(a.window.out_count()) * real(a.oc_per_group());
  const double weights =
      real(a.oc_per_group() + kWidestVector) * real(a.ic_per_group() + kWidestVector) * real(a.window.taps());
  if (image < kMost && output < kMost && weights < kMost) return {};
  return "an image or the weights exceed 2^31 elements";
}

double deform_engine_depth(const DeformConvAttributes& a, std::string_view tensor, const FieldDepths& fields) {
  const SampleDepths depths = sample_depths(a, fields);
  const Index pixels = a.window.out_count(), channels = a.ic_per_offset_group();
  const double column = outer_depth(a.oc_per_group());
  // Dots run over the channels of an offset group, in blocks.
  const double dot = column + 1 + real(channels) + blocks_of(channels, kBlockChannels);
  if (tensor == "diff_weights")
    return depths.sample + real(std::min(pixels, kDepthBlock)) + 1 + real(a.mb) * blocks_of(pixels, kDepthBlock);
  // An element may be a corner of every sample.
  if (tensor == "diff_src") return column + depths.masked + 1 + real(pixels * a.window.taps());
  if (tensor == "diff_mask") return dot + depths.corner + 1 + 3;
  // A difference of dots, times an end; the sum of two, times the mask.
  if (tensor == "diff_offset") return dot + 1 + depths.end + 1 + 1 + (a.mask ? fields.mask + 1 : 0);
  return depths.sample + 1 + forward_depth(a);
}

}  // namespace gradproof
