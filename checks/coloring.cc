#include "checks/coloring.h"

#include <algorithm>

namespace gradproof {
namespace {

struct Group {
  std::vector<Index> columns;
  std::vector<bool> taken;  // rows that a column of the group touches
};

bool fits(const Group& group, const std::vector<Index>& rows) {
  return std::none_of(rows.begin(), rows.end(), [&](Index row) { return group.taken[static_cast<size_t>(row)]; });
}

}  // namespace

std::vector<std::vector<Index>> color_columns(const Columns& columns, const std::vector<Index>& wanted,
                                              Index row_count) {
  std::vector<Group> groups;
  for (Index column : wanted) {
    const std::vector<Index>& rows = columns[static_cast<size_t>(column)];
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return fits(g, rows); });
    if (group == groups.end()) {
      groups.push_back({{}, std::vector<bool>(static_cast<size_t>(row_count))});
      group = groups.end() - 1;
    }
    group->columns.push_back(column);
    for (Index row : rows) group->taken[static_cast<size_t>(row)] = true;
  }
  std::vector<std::vector<Index>> result;
  for (Group& group : groups) result.push_back(std::move(group.columns));
  return result;
}

}  // namespace gradproof
