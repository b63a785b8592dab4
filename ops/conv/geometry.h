// ConvGeometry: every convolution as one flat sum, acc[m][p] = sum over k of w[m][k] * plane[offset[k] + p].
//
// A source tensor is copied once into zero-padded planes, split by stride phase: along an axis with `step` phases,
// element x of phase r holds source element x * step + r - lead, or zero where there is none. Output o at tap k then
// reads one phase at x = o + constant, so a tap is an offset and the pixel axis p runs across rows, over the gaps.
// Neighbouring rows share the zeros between them. Three derivations use it: forward, data gradient, weight gradient.
#pragma once

#include <array>
#include <vector>

#include "ops/core/window.h"

namespace gradproof {

// One axis of the planes.
struct PlaneAxis {
  Index source = 1;           // size of the source axis
  Index step = 1;             // stride phases
  Index lead = 0;             // zeros before the first element, in source elements; negative: elements left out
  Index length = 1;           // elements that are read along the axis, from 0
  Index pitch = 1;            // distance from one row to the next: length less the zeros that neighbours share
  std::vector<Index> phases;  // those that some tap reads

  // Elements x of `phase` that hold source elements: [first, last).
  Index first(Index phase) const;
  Index last(Index phase) const;
};

struct Planes {
  std::array<PlaneAxis, 3> axes;

  Index source_count() const { return axes[0].source * axes[1].source * axes[2].source; }
  Index phase_count() const;
  // Whether the planes of one image are the dense source image itself.
  bool is_dense() const;
  // Elements from one image to the next, and from one phase to the next when `images` are stacked.
  Index image_pitch() const { return axes[0].pitch * axes[1].pitch * axes[2].pitch; }
  Index phase_pitch(Index images) const;
  // Where a tap lies: phase number (of phase_count()) times phase_pitch plus the position's offset.
  Index offset(Index d, Index h, Index w) const { return (d * axes[1].pitch + h) * axes[2].pitch + w; }
};

// A kernel tap of a sub-convolution.
struct Tap {
  Index number;  // row-major in the kernel
  Index phase;   // row-major over the used phases
  Index offset;  // within the phase's plane
};

// Outputs start + j * step for 0 <= j < count along each axis, all with the same taps. No taps: the outputs are zero.
struct SubConv {
  std::vector<Tap> taps;
  std::array<Index, 3> start, step, count;

  Index pixels() const { return count[0] * count[1] * count[2]; }
};

// Padding, read like the source, or skipped by sub-convolutions of their own for the outputs that would see it (a third
// of the work for two slices and three taps): along the depth axis, along that and the rows, along all axes.
enum class Padding { kRead, kSkippedInDepth, kSkippedInRows, kSkipped };

struct ConvGeometry {
  Planes planes;                // of src (forward), of diff_dst (data gradient)
  std::vector<SubConv> subs;    // one (forward), one for each residue of the stride (data gradient); more: Padding
  std::array<Index, 3> output;  // sizes d, h, w of the tensor that is written

  static ConvGeometry forward(const Window& window, Padding padding = Padding::kRead);
  // Forward for kernels that step over the stride along h and w themselves: planes have no phases along these axes, and
  // output o reads a tap at stride * o plus the tap's offset.
  static ConvGeometry forward_unphased(const Window& window);
  static ConvGeometry data_gradient(const Window& window, Padding padding = Padding::kRead);
};

// Pixels on the flat axis of one image of a forward geometry, from its first output to its last.
Index flat_pixels(const ConvGeometry& forward);

// The pixels of a sub-convolution over `images` stacked images, cut into tiles of columns that one call of the outer
// kernel computes.
//
// A flat plan follows the pixel axis of the planes: a tile is a stretch of it, with the gaps between rows that lie
// within, and is read where it lies. A compact plan holds output pixels only, which have to be gathered from the planes
// first: less to compute where rows are short, at the price of a copy. Its last columns may be left single, each a tile
// of its own, for a kernel that sums them along k.
struct TilePlan {
  // Columns that are outputs, contiguous along the output's innermost axis.
  struct Run {
    Index column;  // first column within the tile
    Index length;
    Index output;  // element of the output tensor, for channel 0 of image 0 of the stack
  };
  struct Tile {
    Index first_pixel = 0;  // of a flat plan
    Index width = 0;
    Index first_run = 0, last_run = 0;
    Index first_column = 0;  // of a compact plan: where its columns begin in `pixels`
  };
  std::vector<Tile> tiles;
  std::vector<Run> runs;
  // Of all columns, ascending within a tile; the last of a tile again until its vectors are full (compact plans only).
  std::vector<std::int32_t> pixels;
  Index single_columns = 0;  // the last so many tiles (compact plans only)

  bool is_compact() const { return !pixels.empty(); }
};

// Vectors of `lanes` columns, at most `most_vectors` a tile; few vectors are shared out evenly, since a tile of one
// vector costs as much as one of two. `image_size` is the distance between images of the output tensor, in elements.
struct TileUnits {
  Index lanes, most_vectors;
  Index single_columns = 0;  // those before them must fill their vectors
};
class CompactTiles {
 public:
  CompactTiles(Index columns, TileUnits units);

  // The next `count` columns: neighbours in the planes, and `step` apart in the output.
  void add(Index pixel, Index output, Index count, Index step);
  TilePlan finish();

 private:
  const TileUnits units_;
  Index left_, room_ = 0;  // columns, and those that the last tile has room for
  TilePlan plan_;
};
TilePlan plan_flat_tiles(const ConvGeometry& geometry, const SubConv& sub, Index images, TileUnits units,
                         Index image_size);
TilePlan plan_compact_tiles(const ConvGeometry& geometry, const SubConv& sub, Index images, TileUnits units,
                            Index image_size);

// Calls visit(pixel, output) for the rows of a sub-convolution: where they start in the planes and in the output.
template <class Visit>
void for_each_row(const ConvGeometry& geometry, const SubConv& sub, Index images, Index image_size,
                  const Visit& visit) {
  for (Index n = 0; n < images; ++n)
    for (Index d = 0; d < sub.count[0]; ++d)
      for (Index h = 0; h < sub.count[1]; ++h) {
        const Index row = (sub.start[0] + d * sub.step[0]) * geometry.output[1] + sub.start[1] + h * sub.step[1];
        visit(n * geometry.planes.image_pitch() + geometry.planes.offset(d, h, 0),
              n * image_size + row * geometry.output[2] + sub.start[2]);
      }
}

// Moves tiles of whole vectors that would end behind pixel `limit` back, onto columns of their neighbours, which they
// compute but do not own. For flat plans.
void keep_tiles_within(TilePlan& plan, Index lanes, Index limit);

}  // namespace gradproof
