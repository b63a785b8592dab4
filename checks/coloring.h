// Coloring: which columns of a Jacobian can share one difference (Curtis, Powell and Reid 1974).
#pragma once

#include <vector>

#include "ops/core/shape.h"

namespace gradproof {

// The sparsity of a Jacobian: for each column (an input element) the rows (output elements) that depend on it,
// ascending.
using Columns = std::vector<std::vector<Index>>;

// Splits the wanted columns greedily into groups in which no row depends on two columns.
std::vector<std::vector<Index>> color_columns(const Columns& columns, const std::vector<Index>& wanted,
                                              Index row_count);

}  // namespace gradproof
