// Depends: no value at all, only which inputs a result depends on. One forward pass gives the sparsity of the Jacobian
// (Griewank and Walther 2008, section 7.1).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/core/shape.h"

namespace gradproof {

// A set of input numbers, as a bitset that ends at the largest one. Every operation gives the union of its operands, a
// decision and both of its branches count, and 0 * x depends on nothing where the 0 is a constant (padding), so the set
// of a convolution is exact. In general it is a superset of the true dependences, never a subset.
class Depends {
 public:
  Depends() = default;
  explicit Depends(double constant) : is_zero_(constant == 0) {}
  static Depends input(Index number) {
    Depends result;
    const auto bit = static_cast<std::size_t>(number);
    result.words_.resize(bit / 64 + 1);
    result.words_.back() = std::uint64_t{1} << bit % 64;
    result.is_zero_ = false;
    return result;
  }

  bool contains(Index number) const {
    const auto bit = static_cast<std::size_t>(number);
    return bit / 64 < words_.size() && (words_[bit / 64] >> bit % 64 & 1) != 0;
  }
  Index count() const {
    Index result = 0;
    for (std::uint64_t word : words_) result += std::popcount(word);
    return result;
  }
  // Calls visit(number) for each member, in increasing order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::uint64_t rest = words_[w]; rest != 0; rest &= rest - 1)
        visit(static_cast<Index>(w) * 64 + std::countr_zero(rest));
  }
  std::vector<Index> inputs() const {
    std::vector<Index> result;
    for_each([&](Index number) { result.push_back(number); });
    return result;
  }

  friend Depends operator-(Depends a) { return a; }
  friend Depends operator+(Depends a, const Depends& b) { return a += b; }
  friend Depends operator-(Depends a, const Depends& b) { return a += b; }
  friend Depends operator*(Depends a, const Depends& b) { return a *= b; }
  friend Depends operator/(Depends a, const Depends& b) { return a /= b; }
  Depends& operator+=(const Depends& b) {
    is_zero_ = is_zero_ && b.is_zero_;
    return unite(b);
  }
  Depends& operator-=(const Depends& b) { return *this += b; }
  Depends& operator*=(const Depends& b) {
    if (is_zero_ || b.is_zero_) return *this = Depends(0.0);
    return unite(b);
  }
  Depends& operator/=(const Depends& b) { return is_zero_ ? *this : unite(b); }

  friend Depends sqrt(Depends x) { return x; }
  friend Depends exp(Depends x) {
    x.is_zero_ = false;
    return x;
  }
  friend Depends log(Depends x) { return exp(std::move(x)); }

  // The decision is what it depends on.
  friend Depends exceeds(Depends a, const Depends& b) {
    a.is_zero_ = false;
    return a.unite(b);
  }
  friend Depends select(Depends decision, const Depends& a, const Depends& b) {
    if (a.is_zero_ && b.is_zero_) return Depends(0.0);
    return decision.unite(a).unite(b);
  }

 private:
  Depends& unite(const Depends& b) {
    if (words_.size() < b.words_.size()) words_.resize(b.words_.size());
    for (std::size_t w = 0; w < b.words_.size(); ++w) words_[w] |= b.words_[w];
    return *this;
  }

  std::vector<std::uint64_t> words_;
  bool is_zero_ = true;  // the constant 0
};

}  // namespace gradproof
