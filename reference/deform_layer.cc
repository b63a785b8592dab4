// deform_layer: a deformable convolution whose offsets (and mask) a convolution of the same kernel, stride, padding and
// dilation estimates from the same input (Dai et al. 2017, arXiv:1703.06211, figure 2; Zhu et al. 2019,
// arXiv:1811.11168). Channels f of the estimate are the offsets, then the arguments of the mask's sigmoid.
// Padding of that convolution is zeros that take part: at an offset that is no number a sample is zero, so that an
// infinite weight on padding shows, but not as a NaN.

#include <memory>
#include <optional>

#include "reference/deform.h"
#include "reference/families.h"

namespace gradproof {
namespace {

// A tensor given by a formula, of which each element is computed once, when it is first read. Copies share it.
template <class T>
class Remembered {
 public:
  Remembered() = default;
  Remembered(const Shape& shape, std::function<T(const Point&)> formula)
      : sizes_(point_of(shape, 1)),
        formula_(std::move(formula)),
        values_(std::make_shared<std::vector<std::optional<T>>>(static_cast<size_t>(element_count(shape)))) {}

  bool exists() const { return values_ != nullptr; }
  T operator()(const Point& p) const {
    const auto at = (((p[0] * sizes_[1] + p[1]) * sizes_[2] + p[2]) * sizes_[3] + p[3]) * sizes_[4] + p[4];
    std::optional<T>& value = (*values_)[static_cast<size_t>(at)];
    if (!value) value = formula_(p);
    return *value;
  }
  T operator()(Index n, Index c, Index d, Index h, Index w) const { return (*this)({n, c, d, h, w}); }

 private:
  Point sizes_{};
  std::function<T(const Point&)> formula_;
  std::shared_ptr<std::vector<std::optional<T>>> values_;
};

template <class T>
class DeformLayerFormulas {
 public:
  T dst(const Point& p) const { return deformed.dst(p); }
  T diff_weights(const Point& p) const { return deformed.diff_weights(p); }
  T diff_bias(const Point& p) const { return deformed.diff_bias(p); }

  // diff_src[n,c,i] = what the samples give, plus the sum over f, and all k and o with o * stride - pad + k * dilation
  // = i, of diff_estimate[n,f,o] * offset_weights[f,c,k]
  T diff_src(const Point& p) const {
    const auto [n, c, d, ih, iw] = p;
    T sum = deformed.diff_src(p);
    for (Index kh = 0; kh < h.kernel; ++kh)
      for (Index kw = 0; kw < w.kernel; ++kw) {
        const auto oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
        if (!oh || !ow) continue;
        for (Index f = 0; f < estimates; ++f) sum += diff_estimate(n, f, 0, *oh, *ow) * offset_weights(f, c, 0, kh, kw);
      }
    return sum;
  }

  // diff_offset_weights[f,c,k] = sum over n, o of diff_estimate[n,f,o] * src[n, c, o * stride - pad + k * dilation]
  T diff_offset_weights(const Point& p) const {
    const auto [f, c, d, kh, kw] = p;
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow)
          sum += diff_estimate(n, f, 0, oh, ow) * src.padded(n, c, 0, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_offset_bias[f] = sum over n, o of diff_estimate[n,f,o]
  T diff_offset_bias(const Point& p) const {
    const Index f = p[0];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow) sum += diff_estimate(n, f, 0, oh, ow);
    return sum;
  }

  static FormulaTable<DeformLayerFormulas, T> table() {
    return {{"dst", &DeformLayerFormulas::dst},
            {"diff_src", &DeformLayerFormulas::diff_src},
            {"diff_offset_weights", &DeformLayerFormulas::diff_offset_weights},
            {"diff_offset_bias", &DeformLayerFormulas::diff_offset_bias},
            {"diff_weights", &DeformLayerFormulas::diff_weights},
            {"diff_bias", &DeformLayerFormulas::diff_bias}};
  }

  DeformLayerFormulas(const Case& c, const Arrays<T>& inputs) : DeformLayerFormulas(c.attributes, inputs) {}
  // The remembered tensors refer to this object.
  DeformLayerFormulas(const DeformLayerFormulas&) = delete;
  DeformLayerFormulas& operator=(const DeformLayerFormulas&) = delete;

 private:
  explicit DeformLayerFormulas(const Attributes& a, const Arrays<T>& inputs)
      : mb(a.integer("mb")),
        ic(a.integer("ic")),
        h(window_of(a).axes[1]),
        w(window_of(a).axes[2]),
        masks(a.integer("og") * h.kernel * w.kernel),
        estimates((a.flag("mask") ? 3 : 2) * masks),
        src(inputs, "src"),
        offset_weights(inputs, "offset_weights"),
        offset_bias(inputs, "offset_bias"),
        offset({mb, 2 * masks, 1, h.out, w.out}, [this](const Point& p) { return estimate(p, p[1]); }),
        mask(a.flag("mask") ? Remembered<T>({mb, masks, 1, h.out, w.out},
                                            [this](const Point& p) { return sigmoid(estimate(p, 2 * masks + p[1])); })
                            : Remembered<T>()),
        deformed(a, inputs, offset, mask),
        diff_estimate({mb, estimates, 1, h.out, w.out}, [this](const Point& p) { return diff_estimate_at(p); }) {}

  // estimate[n,f,o] = offset_bias[f] + sum over c, k of offset_weights[f,c,k] * src[n, c, o * stride - pad + k *
  // dilation]
  T estimate(const Point& p, Index f) const {
    const auto [n, channel, d, oh, ow] = p;
    T sum = offset_bias(f);
    for (Index c = 0; c < ic; ++c)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw)
          sum += offset_weights(f, c, 0, kh, kw) * src.padded(n, c, 0, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_offset, and diff_mask * mask * (1 - mask), the slope of a sigmoid
  T diff_estimate_at(const Point& p) const {
    const auto [n, f, d, oh, ow] = p;
    if (f < 2 * masks) return deformed.diff_offset(p);
    const Point masked{n, f - 2 * masks, d, oh, ow};
    return deformed.diff_mask(masked) * (mask(masked) * (T(1.0) - mask(masked)));
  }

  const Index mb, ic;
  const Sliding h, w;
  const Index masks, estimates;  // channels
  const Grid<T> src, offset_weights, offset_bias;
  const Remembered<T> offset, mask;
  const Deformed<T, Remembered> deformed;
  const Remembered<T> diff_estimate;
};

}  // namespace

Reference deform_layer_reference() { return make_reference<DeformLayerFormulas>(); }

}  // namespace gradproof
