// The kernel of every function of one number: dst = value(src), diff_src = gradient(src, diff_dst), each in one pass.

#if defined(GRADPROOF_ELEMENTWISE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_ELEMENTWISE_INL_H
#undef GRADPROOF_ELEMENTWISE_INL_H
#else
#define GRADPROOF_ELEMENTWISE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>

#include "ops/core/implementation.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Function is made of the case's attributes and has value(x) and gradient(x, diff) of vectors of float.
template <class Function>
class ElementwiseKernel final : public Kernel {
 public:
  ElementwiseKernel(const Case& c, const Pass& pass, int threads)
      : function_(c.attributes),
        count_(element_count(*c.spec->find_slot("src")->shape(c.attributes))),
        forward_(pass.is_forward()),
        threads_(threads),
        stores_(stores_for(static_cast<size_t>(count_) * sizeof(float) * (forward_ ? 2 : 3))) {}

  // Arguments: src, dst forward; src, diff_dst, diff_src in the gradient.
  void run(std::span<const TensorRef> arguments) override {
    const auto tile = [&](Index index) {
      const Index first = index * kTile;
      const auto count = static_cast<size_t>(std::min(kTile, count_ - first));
      const auto at = [&](size_t argument) { return arguments[argument].floats() + first; };
      if (forward_)
        Map(Value{function_}, stores_, count, at(1), at(0));
      else
        Map(Gradient{function_}, stores_, count, at(2), at(0), at(1));
      hwy::FlushStream();
    };
    parallel_tiles(threads_, (count_ + kTile - 1) / kTile, std::cref(tile));
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  // 256 KiB a tensor: some 20 microseconds, below which a second thread does not pay.
  static constexpr Index kTile = Index{64} << 10;

  struct Value {
    Function function;
    template <class V>
    HWY_ATTR V operator()(V x) const {
      return function.value(x);
    }
  };
  struct Gradient {
    Function function;
    template <class V>
    HWY_ATTR V operator()(V x, V diff) const {
      return function.gradient(x, diff);
    }
  };

  const Function function_;
  const Index count_;
  const bool forward_;
  const int threads_;
  const Stores stores_;
};

// A row of a table of kernels.
struct ElementwiseRow {
  std::string_view name;
  std::unique_ptr<Kernel> (*prepare)(const Case&, const Pass&, int threads);
};

template <class Function>
std::unique_ptr<Kernel> PrepareElementwise(const Case& c, const Pass& pass, int threads) {
  return std::make_unique<ElementwiseKernel<Function>>(c, pass, threads);
}

// By the operation's name, which the table has.
template <size_t kRows>
std::unique_ptr<Kernel> PrepareRow(const ElementwiseRow (&rows)[kRows], const Case& c, const Pass& pass, int threads) {
  const auto named = [&](const ElementwiseRow& row) { return row.name == c.spec->name; };
  return std::find_if(rows, rows + kRows, named)->prepare(c, pass, threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ELEMENTWISE_INL_H
