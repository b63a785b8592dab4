#include "ops/conv/column_groups.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace gradproof {
namespace {

// Vectors of 16 and tiles of 3 of them, as AVX-512 has them; those of AVX2 divide these.
constexpr Index kVector = 16, kTile = 3 * kVector;

std::vector<Column> columns_of(const ConvGeometry& geometry, const SubConv& sub, Index images, Index image_size) {
  std::vector<Column> columns;
  for_each_row(geometry, sub, images, image_size, [&](Index pixel, Index output) {
    for (Index w = 0; w < sub.count[2]; ++w) columns.push_back({pixel + w, output + w});
  });
  return columns;
}

const Tap* find_tap(const SubConv& sub, Index number) {
  const auto tap =
      std::find_if(sub.taps.begin(), sub.taps.end(), [&](const Tap& other) { return other.number == number; });
  return tap == sub.taps.end() ? nullptr : &*tap;
}

bool has_all_taps(const SubConv& sub, const SubConv& of) {
  return std::all_of(of.taps.begin(), of.taps.end(),
                     [&](const Tap& tap) { return find_tap(sub, tap.number) != nullptr; });
}

// The sub-convolution with all taps of this one and the fewest others, and of those the one with the fewest columns.
std::optional<size_t> next_larger(const std::vector<SubConv>& subs, size_t of,
                                  const std::vector<std::vector<Column>>& groups) {
  std::optional<size_t> best;
  const auto rank = [&](size_t i) { return std::pair(subs[i].taps.size(), groups[i].size()); };
  for (size_t i = 0; i < subs.size(); ++i)
    if (subs[i].taps.size() > subs[of].taps.size() && has_all_taps(subs[i], subs[of]) &&
        (!best || rank(i) < rank(*best)))
      best = i;
  return best;
}

// Whether `count` columns are less work beside those of a sub-convolution with `more` taps than in a tile of their own,
// of which one of a single vector takes as long as one of two.
bool pays_to_move(Index count, size_t taps, size_t more) {
  const Index vectors = std::max<Index>(2, (count + kVector - 1) / kVector);
  return count * static_cast<Index>(more) < vectors * kVector * static_cast<Index>(taps);
}

}  // namespace

std::vector<std::vector<Column>> group_columns(const ConvGeometry& geometry, Index images, Index image_size) {
  const std::vector<SubConv>& subs = geometry.subs;
  std::vector<std::vector<Column>> groups;
  for (const SubConv& sub : subs) groups.push_back(columns_of(geometry, sub, images, image_size));
  std::vector<size_t> fewest_taps_first(subs.size());
  std::iota(fewest_taps_first.begin(), fewest_taps_first.end(), size_t{0});
  std::stable_sort(fewest_taps_first.begin(), fewest_taps_first.end(),
                   [&](size_t a, size_t b) { return subs[a].taps.size() < subs[b].taps.size(); });
  for (const size_t from : fewest_taps_first) {
    std::vector<Column>& columns = groups[from];
    const Index left = static_cast<Index>(columns.size()) % kTile;
    const std::optional<size_t> to = next_larger(subs, from, groups);
    if (left == 0 || subs[from].taps.empty() || !to) continue;
    if (!pays_to_move(left, subs[from].taps.size(), subs[*to].taps.size())) continue;
    const Tap& tap = subs[from].taps.front();
    const Index shift = tap.offset - find_tap(subs[*to], tap.number)->offset;
    const auto moved = columns.end() - left;
    std::transform(moved, columns.end(), std::back_inserter(groups[*to]), [&](const Column& column) {
      return Column{column.pixel + shift, column.output};
    });
    columns.erase(moved, columns.end());
  }
  return groups;
}

TilePlan plan_column_tiles(std::vector<Column> columns, TileUnits units) {
  std::sort(columns.begin(), columns.end(), [](const Column& a, const Column& b) { return a.pixel < b.pixel; });
  CompactTiles tiles(static_cast<Index>(columns.size()), units);
  for (const Column& column : columns) tiles.add(column.pixel, column.output, 1, 1);
  return tiles.finish();
}

}  // namespace gradproof
