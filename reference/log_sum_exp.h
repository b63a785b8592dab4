// The sum of the exponentials of a row, that is of the elements along one axis, with the largest one taken out, so that
// nothing overflows: log(sum over j of exp(x_j)) = m + log(sum over j of exp(x_j - m)) with m = the largest x_j.
#pragma once

#include <optional>
#include <vector>

#include "reference/number.h"
#include "reference/numbered.h"

namespace gradproof {

// A tensor seen as rows along `axis`: element j of a row lies `inner` elements behind element j - 1.
struct RowsAlong {
  Index length = 1, inner = 1;

  RowsAlong(const Shape& shape, int axis) : length(shape[axis]) {
    for (int other = axis + 1; other < shape.rank(); ++other) inner *= shape[other];
  }

  Index row_of(Index element) const { return element / (length * inner) * inner + element % inner; }
  Index place_of(Index element) const { return element / inner % length; }  // j
  Index element(Index row, Index j) const { return (row / inner * length + j) * inner + row % inner; }
};

template <class T>
class LogSumExp {
 public:
  LogSumExp(const RowsAlong& rows, const Numbered<T>& src, Index count)
      : rows_(rows), src_(src), known_(static_cast<size_t>(count / rows.length)) {}

  // m, and the sum over j of exp(x_j - m)
  const T& largest(Index row) const { return of(row).largest; }
  const T& sum(Index row) const { return of(row).sum; }

  // exp(x_j) / sum of exp(x)
  T share(Index row, Index j) const { return exp(centred(row, j)) / sum(row); }
  // log of that
  T log_share(Index row, Index j) const { return centred(row, j) - log(sum(row)); }

 private:
  struct Sums {
    T largest, sum;
  };

  T centred(Index row, Index j) const { return difference(src_[rows_.element(row, j)], largest(row)); }

  const Sums& of(Index row) const {
    std::optional<Sums>& known = known_[static_cast<size_t>(row)];
    if (known) return *known;
    T largest = src_[rows_.element(row, 0)];
    for (Index j = 1; j < rows_.length; ++j) {
      const T x = src_[rows_.element(row, j)];
      const auto more = exceeds(x, largest);
      largest = select(more, x, largest);
    }
    T sum(0.0);
    for (Index j = 0; j < rows_.length; ++j) sum += exp(difference(src_[rows_.element(row, j)], largest));
    return known.emplace(Sums{largest, sum});
  }

  const RowsAlong rows_;
  const Numbered<T> src_;
  mutable std::vector<std::optional<Sums>> known_;  // by row, once computed
};

}  // namespace gradproof
