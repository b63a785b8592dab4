#pragma once

#include <cstddef>
#include <vector>

namespace gradproof {

// Five numbers that stand for many. Quartiles interpolate linearly between neighbours.
struct Spread {
  std::size_t count = 0;
  double min = 0, q1 = 0, median = 0, q3 = 0, max = 0;
};

Spread spread_of(std::vector<double> values);

}  // namespace gradproof
