#include "ops/conv/local_conv_plan.h"

#include <algorithm>

namespace gradproof {
namespace {

// Rows joined where one ends in the planes at the place where the next one starts.
std::vector<PixelStretch> joined_rows(const ConvGeometry& geometry) {
  std::vector<PixelStretch> rows;
  const auto [depth, height, width] = geometry.output;
  for (Index h = 0; h < depth * height; ++h) {
    const Index plane = geometry.planes.offset(h / height, h % height, 0);
    if (!rows.empty() && rows.back().plane + rows.back().length == plane)
      rows.back().length += width;
    else
      rows.push_back({h * width, width, plane, 0});
  }
  return rows;
}

}  // namespace

std::vector<PixelStretch> stretches_of(const ConvGeometry& geometry) {
  std::vector<PixelStretch> stretches;
  Index column = 0;
  for (const PixelStretch& row : joined_rows(geometry))
    for (Index done = 0; done < row.length; done += kForwardTile) {
      stretches.push_back({row.pixel + done, std::min(kForwardTile, row.length - done), row.plane + done, column});
      column += columns_of(stretches.back());
    }
  return stretches;
}

std::vector<StretchTile> tiles_of(const std::vector<PixelStretch>& stretches) {
  std::vector<StretchTile> tiles;
  for (const PixelStretch& stretch : stretches) {
    if (tiles.empty() || stretch.column + columns_of(stretch) - tiles.back().first->column > kForwardTile)
      tiles.push_back({&stretch, &stretch});
    tiles.back().last = &stretch + 1;
  }
  return tiles;
}

}  // namespace gradproof
