#include "ops/norm/batch_norm_simd.h"

#include <cmath>
#include <functional>

#include "ops/norm/batch_norm.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/norm/batch_norm_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/block_sums-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// (x - mean) * scale + offset.
struct Normalize {
  float mean, scale, offset;
  template <class V>
  HWY_ATTR V operator()(V x) const {
    const hn::DFromV<V> d;
    return hn::MulAdd(hn::Sub(x, hn::Set(d, mean)), hn::Set(d, scale), hn::Set(d, offset));
  }
};

// diff * scale + (offset - (x - mean) * slope).
struct NormalizeGradient {
  float mean, scale, slope, offset;
  template <class V>
  HWY_ATTR V operator()(V x, V diff) const {
    const hn::DFromV<V> d;
    const V rest = hn::NegMulAdd(hn::Sub(x, hn::Set(d, mean)), hn::Set(d, slope), hn::Set(d, offset));
    return hn::MulAdd(diff, hn::Set(d, scale), rest);
  }
};

struct Scale {
  float scale;
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return hn::Mul(x, hn::Set(hn::DFromV<V>(), scale));
  }
};

// A channel at a time: the second sweep finds it in the L2 cache.
class BatchNormKernel : public Kernel {
 public:
  BatchNormKernel(const Case& c, const Pass& pass, int threads)
      : a_(batch_norm_attributes(c.attributes)),
        names_(arguments_of(*c.spec, c.attributes, pass)),
        channel_{a_.mb, a_.space, a_.c * a_.space},
        threads_(threads),
        src_(Find("src")),
        gamma_(Find("gamma")),
        running_mean_(Find("running_mean")),
        running_var_(Find("running_var")) {
    const bool long_rows = a_.space >= 1024;  // else partial cache lines abound, which streaming does not like
    const Index bytes = a_.c * a_.count() * static_cast<Index>(sizeof(float)) * (pass.is_forward() ? 2 : 3);
    stores_ = long_rows ? stores_for(static_cast<size_t>(bytes)) : Stores::kCached;
  }

  void run(std::span<const TensorRef> arguments) final {
    const auto tile = [&](Index channel) {
      RunChannel({arguments, channel, channel * a_.space});
      hwy::FlushStream();
    };
    parallel_tiles(a_.c * a_.count() < kSerial ? 1 : threads_, a_.c, std::cref(tile));
  }

  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  // The arguments as one channel sees them.
  struct View {
    std::span<const TensorRef> arguments;
    Index channel, offset;
    float* Data(int index) const { return arguments[static_cast<size_t>(index)].floats() + offset; }
    float& Value(int index) const { return arguments[static_cast<size_t>(index)].floats()[channel]; }
    double ValueOr(int index, double otherwise) const {
      return index < 0 ? otherwise : static_cast<double>(Value(index));
    }
  };

  virtual void RunChannel(const View& view) = 0;

  int Find(std::string_view name) const { return argument_index(names_, name); }
  double Rstd(double var) const { return 1 / std::sqrt(var + a_.eps); }

  // out = f(in...) over the channel.
  template <class F, class... In>
  void MapChannel(const F& f, float* out, const In*... in) const {
    for (Index n = 0; n < channel_.segments; ++n) {
      const Index at = n * channel_.pitch;
      Map(f, stores_, static_cast<size_t>(channel_.length), out + at, (in + at)...);
    }
  }

  const BatchNormAttributes a_;
  const std::vector<Argument> names_;
  const Channel channel_;
  const int threads_;
  const int src_, gamma_, running_mean_, running_var_;

 private:
  static constexpr Index kSerial = 32768;  // elements: some 10 microseconds
  Stores stores_;
};

class BatchNormForward final : public BatchNormKernel {
 public:
  BatchNormForward(const Case& c, int threads)
      : BatchNormKernel(c, Pass::forward(), threads),
        beta_(Find("beta")),
        dst_(Find("dst")),
        new_running_mean_(Find("new_running_mean")),
        new_running_var_(Find("new_running_var")),
        mean_(Find("mean")),
        rstd_(Find("rstd")) {}

 private:
  void RunChannel(const View& view) override {
    double mean = view.Value(running_mean_);
    double rstd = 0;
    if (a_.training) {
      const Moments moments = ChannelMoments(channel_, view.Data(src_));
      const auto blend = [&](double old, double batch) {
        return static_cast<float>((1 - a_.momentum) * old + a_.momentum * batch);
      };
      view.Value(new_running_mean_) = blend(mean, moments.mean());
      view.Value(new_running_var_) = blend(view.Value(running_var_), moments.unbiased_variance());
      mean = moments.mean();
      rstd = Rstd(moments.variance());
      view.Value(mean_) = static_cast<float>(mean);
      view.Value(rstd_) = static_cast<float>(rstd);
    } else {
      rstd = Rstd(view.Value(running_var_));
    }
    // What rounding the mean to float32 loses goes into the offset: with a large mean it would cost most digits.
    const double scale = view.ValueOr(gamma_, 1) * rstd;
    const auto rounded = static_cast<float>(mean);
    const double offset = view.ValueOr(beta_, 0) - (mean - static_cast<double>(rounded)) * scale;
    MapChannel(Normalize{rounded, static_cast<float>(scale), static_cast<float>(offset)}, view.Data(dst_),
               view.Data(src_));
  }

  const int beta_, dst_, new_running_mean_, new_running_var_, mean_, rstd_;
};

// With t = src - mean and sums over the channel's n elements:
//   diff_beta = sum(dy), diff_gamma = rstd * sum(t dy),
//   diff_src = gamma rstd (dy - sum(dy) / n - t rstd^2 sum(t dy) / n), in inference gamma rstd dy.
class BatchNormGradient final : public BatchNormKernel {
 public:
  BatchNormGradient(const Case& c, const Pass& pass, int threads)
      : BatchNormKernel(c, pass, threads),
        mean_(Find("mean")),
        rstd_(Find("rstd")),
        diff_dst_(Find("diff_dst")),
        diff_src_(Find("diff_src")),
        diff_gamma_(Find("diff_gamma")),
        diff_beta_(Find("diff_beta")) {}

 private:
  void RunChannel(const View& view) override {
    const double rstd = a_.training ? static_cast<double>(view.Value(rstd_)) : Rstd(view.Value(running_var_));
    const float mean = view.Value(a_.training ? mean_ : running_mean_);
    const double scale = view.ValueOr(gamma_, 1) * rstd;
    const bool centre = diff_src_ >= 0 && a_.training;
    GradientSums sums;
    double residue = 0;  // what rounding the saved mean to float32 lost
    if (diff_gamma_ >= 0 || centre) {
      sums = ChannelGradientSums(channel_, mean, view.Data(src_), view.Data(diff_dst_));
      if (a_.training) residue = sums.centred / static_cast<double>(a_.count());
      sums.product -= residue * sums.diff;
    } else if (diff_beta_ >= 0) {
      sums.diff = ChannelTotal(channel_, view.Data(diff_dst_));
    }
    if (diff_gamma_ >= 0) view.Value(diff_gamma_) = static_cast<float>(rstd * sums.product);
    if (diff_beta_ >= 0) view.Value(diff_beta_) = static_cast<float>(sums.diff);
    if (centre) {
      const double slope = scale * rstd * rstd * sums.product / static_cast<double>(a_.count());
      const double offset = residue * slope - scale * sums.diff / static_cast<double>(a_.count());
      MapChannel(
          NormalizeGradient{mean, static_cast<float>(scale), static_cast<float>(slope), static_cast<float>(offset)},
          view.Data(diff_src_), view.Data(src_), view.Data(diff_dst_));
    } else if (diff_src_ >= 0) {
      MapChannel(Scale{static_cast<float>(scale)}, view.Data(diff_src_), view.Data(diff_dst_));
    }
  }

  const int mean_, rstd_, diff_dst_, diff_src_, diff_gamma_, diff_beta_;
};

std::unique_ptr<Kernel> Prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  if (pass.is_forward()) return std::make_unique<BatchNormForward>(c, options.threads);
  return std::make_unique<BatchNormGradient>(c, pass, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(Prepare);

// Statistics are in double and rounded once; roundings of float32 that remain, a multiply-add counted as two (SCALAR
// does not fuse it):
//   dst = (x - mean) * scale + offset: difference, scale, product, sum; offset, sum.
//   diff_src: in training the longest path is t * slope: difference, three factors rstd that were rounded when saved,
//   slope, product, two sums; in inference scale and product. diff_gamma: the saved rstd, and the result.
double depth(const Case& c, const Pass&, std::string_view slot) {
  const bool training = c.attributes.flag("training");
  const double roundings = slot == "dst"          ? 4
                           : slot == "diff_src"   ? (training ? 8 : 2)
                           : slot == "diff_gamma" ? (training ? 2 : 1)
                                                  : 1;
  return roundings + kSumDepth;
}

}  // namespace

std::vector<Implementation> batch_norm_simd_implementations() {
  return simd_implementations(
      {.unsupported = nullptr,
       .prepare = [](const Case& c, const Pass& pass,
                     const PrepareOptions& options) { return HWY_DYNAMIC_DISPATCH(Prepare)(c, pass, options); },
       .depth = depth});
}

}  // namespace gradproof
#endif
