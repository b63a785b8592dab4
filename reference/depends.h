// Depends: which inputs a result depends on. One forward pass gives the sparsity of the Jacobian (Griewank and Walther
// 2008, section 7.1).
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/core/shape.h"
#include "reference/number.h"

namespace gradproof {

// A set of input numbers, as a bitset that ends at the largest one. Every operation gives the union of its operands, a
// decision and both of its branches count, and 0 * x depends on nothing where the 0 is a constant (padding), so the set
// of a convolution is exact. In general it is a superset of the true dependences, never a subset, with one proviso: a
// cell (floor_within) is that of the nominal value, so the set holds where no perturbation crosses a border of a cell.
// Margin certifies that.
class Depends {
 public:
  Depends() = default;
  // What allocates is compiled in depends.cc, instead of in each place of each formula.
  Depends(const Depends& other);
  Depends(Depends&& other) noexcept = default;
  Depends& operator=(const Depends& other);
  Depends& operator=(Depends&& other) noexcept = default;
  ~Depends();
  explicit Depends(double constant) : value_(constant), is_zero_(constant == 0) {}
  // Input `number`, which is `nominal` where the set is wanted.
  static Depends input(Index number, double nominal) {
    Depends result(nominal);
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

  // How much work this thread has done with Depends so far, if it had done it with Real: in multiply-adds, as measured.
  // The difference before and after an evaluation is what it takes, functions (exp, log, ...) and all.
  static double work();

  friend Depends operator-(Depends a) {
    a.value_ = -a.value_;
    return a;
  }
  friend Depends operator+(Depends a, const Depends& b) { return a += b; }
  friend Depends operator-(Depends a, const Depends& b) { return a -= b; }
  friend Depends operator*(Depends a, const Depends& b) { return a *= b; }
  friend Depends operator/(Depends a, const Depends& b) { return a /= b; }
  Depends& operator+=(const Depends& b);
  Depends& operator-=(const Depends& b);
  Depends& operator*=(const Depends& b);
  Depends& operator/=(const Depends& b);

  friend Depends sqrt(const Depends& x) { return x.is_zero_ ? x : x.function(std::sqrt(x.value_), 5); }
  friend Depends exp(const Depends& x) { return x.function(std::exp(x.value_), 30); }
  friend Depends log(const Depends& x) { return x.function(std::log(x.value_), 30); }
  friend Depends expm1(const Depends& x) { return x.function(std::expm1(x.value_), 30); }
  friend Depends log1p(const Depends& x) { return x.function(std::log1p(x.value_), 40); }
  friend Depends tanh(const Depends& x) { return x.function(std::tanh(x.value_), 30); }
  friend Depends normal_cdf(const Depends& x) { return x.function(std::erfc(-x.value_ * std::sqrt(0.5)) / 2, 100); }
  friend Depends normal_density(const Depends& x) { return x.function(std::exp(-x.value_ * x.value_ / 2), 30); }
  friend Depends sigmoid(const Depends& x) { return x.function(gradproof::sigmoid(x.value_), 30); }

  // The decision is what it depends on; its value is 1 where it holds.
  friend Depends exceeds(const Depends& a, const Depends& b) {
    return a.valued(gradproof::exceeds(a.value_, b.value_) ? 1 : 0).unite(b);
  }
  friend Depends select(Depends decision, const Depends& a, const Depends& b) {
    if (a.is_zero_ && b.is_zero_) return Depends(0.0);
    const double value = decision.value_ != 0 ? a.value_ : b.value_;
    return decision.unite(a).unite(b).valued(value);
  }

  friend Depends floor_within(const Depends& x, Index first, Index last) {
    return x.valued(gradproof::floor_within(x.value_, first, last));
  }
  // The constant 0 stays one: with the nominal cell it is 0 whatever the inputs are.
  friend Depends given(const Depends& cell, Depends x) { return x.is_zero_ ? x : x.unite(cell); }
  friend double value_of(const Depends& x) { return x.value_; }
  friend bool isnan(const Depends& x) { return std::isnan(x.value_); }

 private:
  // The same dependences of something else, which is not the constant 0.
  Depends valued(double value) const;
  // The same of a function that takes so many multiply-adds.
  Depends function(double value, double work) const;
  Depends& unite(const Depends& b);

  std::vector<std::uint64_t> words_;
  double value_ = 0;     // nominal
  bool is_zero_ = true;  // the constant 0
};

}  // namespace gradproof
