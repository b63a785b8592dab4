// The standard deviation of each window.

#include <map>

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/pooling.h"

namespace gradproof {
namespace {

// A standard deviation does not change with a shift, and scales: with x_0 the first input of a window and s the largest
// |x - x_0|, std(x) = s std((x - x_0) / s). So stated it is as exact as the differences of the inputs, whatever their
// mean, and no square leaves the range of any number.
template <class T>
struct StdPoolFormulas : Pooling<T> {
  // dst[n,c,o] = sqrt(1/divisor * sum over the m taps k inside of (src[...] - mean)^2), mean = 1/m * sum of src[...],
  // divisor = m, or m - 1 if unbiased; of equal elements 0
  T dst(const Point& o) const {
    const Spread& spread = spread_of(o);
    return select(exceeds(spread.scale, T(0.0)), spread.scale * spread.deviation, T(0.0));
  }

  // diff_src[n,c,i] = sum over the windows o that see i of diff_dst[n,c,o] * (src[n,c,i] - mean) / (divisor * dst[o]);
  // windows of equal elements send 0
  T diff_src(const Point& i) const {
    T sum(0.0);
    this->for_each_window(i, [&](const Point& o) {
      const Spread& spread = spread_of(o);
      const T share = (spread.part(this->src(i)) - spread.mean) / (spread.divisor * spread.deviation);
      sum += this->diff_dst(o) * select(exceeds(spread.scale, T(0.0)), share, T(0.0));
    });
    return sum;
  }

  static FormulaTable<StdPoolFormulas, T> table() {
    return {{"dst", &StdPoolFormulas::dst}, {"diff_src", &StdPoolFormulas::diff_src}};
  }

  StdPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : Pooling<T>(window_of(c.attributes), inputs), unbiased(c.attributes.flag("unbiased")) {}

 private:
  // Of a window: x_0, s, the divisor, and mean and standard deviation of (x - x_0) / s.
  struct Spread {
    T first, scale, divisor, mean, deviation;

    Spread(const StdPoolFormulas& pool, const Point& o) : first(0.0), scale(0.0), divisor(0.0), mean(0.0), deviation() {
      const std::vector<T> inside = pool.inputs_of(o);
      const auto count = static_cast<double>(inside.size());
      first = inside[0];
      for (const T& x : inside) scale = maximum(scale, magnitude(difference(x, first)));
      for (const T& x : inside) mean += part(x) / T(count);
      divisor = T(pool.unbiased ? count - 1 : count);
      T squares(0.0);
      for (const T& x : inside) squares += (part(x) - mean) * (part(x) - mean);
      deviation = sqrt(squares / divisor);
    }

    T part(const T& x) const { return difference(x, first) / scale; }
  };

  const Spread& spread_of(const Point& o) const { return spreads.try_emplace(o, *this, o).first->second; }

  static T magnitude(const T& x) { return select(exceeds(T(0.0), x), -x, x); }

  const bool unbiased;
  mutable std::map<Point, Spread> spreads;  // by window, once computed
};

}  // namespace

Reference std_pool_reference() { return make_reference<StdPoolFormulas>(); }

}  // namespace gradproof
