// Kernels and truths that agree on a gradient which is none: only what needs no gradient to judge by can tell. Away
// from kinks they are right, so that differences do not see them either.
#include <algorithm>
#include <cmath>
#include <optional>

#include "checks/self/mutant.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

// max_pool in which every element that equals the maximum of a window gets its whole gradient.
template <class T>
class AllTiesFormulas {
 public:
  AllTiesFormulas(const Case& c, const Arrays<T>& inputs) : AllTiesFormulas(window_of(c.attributes), inputs) {}

  T dst(const Point& window) const {
    const auto [n, c, od, oh, ow] = window;
    std::optional<T> best;
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const Index id = d.input_of(od, kd), ih = h.input_of(oh, kh), iw = w.input_of(ow, kw);
          if (!src.contains(id, ih, iw)) continue;
          const T& x = src(n, c, id, ih, iw);
          best = best ? maximum(*best, x) : x;
        }
    return *best;
  }

  T diff_src(const Point& p) const {
    const auto [n, c, id, ih, iw] = p;
    T sum(0.0);
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const auto od = d.window_of(id, kd), oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
          if (!od || !oh || !ow) continue;
          const Point window{n, c, *od, *oh, *ow};
          sum += select(exceeds(dst(window), src(p)), T(0.0), diff_dst(window));
        }
    return sum;
  }

  static FormulaTable<AllTiesFormulas, T> table() {
    return {{"dst", &AllTiesFormulas::dst}, {"diff_src", &AllTiesFormulas::diff_src}};
  }

 private:
  AllTiesFormulas(const Window& window, const Arrays<T>& inputs)
      : d(window.axes[0]), h(window.axes[1]), w(window.axes[2]), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

  const Sliding d, h, w;
  const Grid<T> src, diff_dst;
};

// deform_conv without a gradient for offsets that are whole numbers.
template <class T>
Element<T> flat_on_borders(const Case& c, const Arrays<T>& inputs, std::string_view argument) {
  static const References right = register_references();
  Element<T> truth = right.at("deform_conv").element<T>(c, inputs, argument);
  if (argument != "diff_offset") return truth;
  return [truth = std::move(truth), offset = Grid<T>(inputs, "offset")](const Position& position) {
    const auto x = static_cast<double>(value_of(offset(point_of(position))));
    return x == std::floor(x) ? T(0.0) : truth(position);
  };
}

Reference flat_on_borders_reference() {
  return {{flat_on_borders<Real>, flat_on_borders<Precise>, flat_on_borders<Dual<Real>>, flat_on_borders<Mass<Real>>,
           flat_on_borders<Depends>, flat_on_borders<Margin<Real>>, flat_on_borders<float>}};
}

Mutant agreed(const std::vector<Mutant>& kernels, const std::string& name, const std::string& what, Reference truth) {
  const auto kernel = std::find_if(kernels.begin(), kernels.end(), [&](const Mutant& m) { return m.name == name; });
  return {name + "-agreed", kernel->operation, what, {"kink"}, kernel->implementation, std::move(truth)};
}

}  // namespace

std::vector<Mutant> agreed_mutants() {
  return {
      agreed(max_pool_mutants(), "ties-all-get", "kernel and reference give every tied element the full gradient",
             make_reference<AllTiesFormulas>()),
      agreed(deform_conv_mutants(), "no-slope", "kernel and reference have no offset gradient on whole coordinates",
             flat_on_borders_reference()),
  };
}

}  // namespace gradproof
