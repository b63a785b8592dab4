#include "ops/pool/pool_spec.h"

#include <algorithm>
#include <numeric>

#include "ops/core/error.h"

namespace gradproof {
namespace {

// Whether every window along the axis has a tap within the input. The last one always does: it starts before the end.
bool windows_see_input(const WindowAxis& a) {
  for (Index start = -a.pad_lo; start < 0; start += a.stride) {
    const Index first = (-start + a.dilation - 1) / a.dilation;
    if (first >= a.kernel || start + first * a.dilation >= a.in) return false;
  }
  return true;
}

std::optional<Shape> windowed_src_shape(const Attributes& attributes) {
  return window_of(attributes).in_shape(attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> windowed_dst_shape(const Attributes& attributes) {
  return window_of(attributes).out_shape(attributes.integer("mb"), attributes.integer("c"));
}

}  // namespace

Spec windowed_spec() {
  Spec spec;
  spec.family = "pool";
  spec.attributes = pool_attributes();
  spec.slots = {{.name = "src", .role = Role::kInput, .shape = windowed_src_shape},
                {.name = "dst", .role = Role::kOutput, .shape = windowed_dst_shape}};
  spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  spec.smoke_cases = pool_smoke_cases();
  spec.full_cases = pool_full_cases();
  spec.invalid_cases = pool_invalid_cases();
  return spec;
}

std::vector<AttributeSpec> pool_attributes() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  for (auto& spec : kernel_attributes()) specs.push_back(spec);
  for (auto& spec : stride_attributes()) specs.push_back(spec);
  for (auto& spec : padding_attributes()) specs.push_back(spec);
  for (auto& spec : dilation_attributes()) specs.push_back(spec);
  specs.push_back(flag_attribute("ceil_mode", "round output sizes up: a last window may overhang", false));
  return specs;
}

void require_pool(std::string_view op, const Window& window) {
  require_output(op, window);
  for (size_t axis = 0; axis < 3; ++axis) {
    const WindowAxis& w = window.axes[axis];
    const char* name = kAxisNames[axis];
    if (std::max(w.pad_lo, w.pad_hi) > w.extent() / 2)
      refuse("{}: padding p{}={} must be at most half of the kernel's extent (k{} - 1) * d{} + 1 = {}", op, name,
             std::max(w.pad_lo, w.pad_hi), name, name, w.extent());
    if (!windows_see_input(w))
      refuse("{}: a window sees nothing but padding along {}; enlarge i{}={} or reduce p{}_lo={}", op, name, name, w.in,
             name, w.pad_lo);
  }
}

Index windows_over_input(const Window& window) {
  Index windows = 1;
  for (const WindowAxis& w : window.axes) {
    const Index apart = w.stride / std::gcd(w.stride, w.dilation);
    windows *= std::min(w.out(), (w.kernel + apart - 1) / apart);
  }
  return windows;
}

std::vector<std::string> pool_smoke_cases() {
  return {
      "mb=2,c=3,ih=7,iw=9,k=3,s=2,p=1",
      "mb=1,c=2,ih=6,iw=8,k=2,s=2",
      "mb=1,c=2,iw=17,kw=3,sw=1,pw=1",
      "mb=1,c=2,id=4,ih=5,iw=6,kd=2,kh=3,kw=2,sd=2,sh=1,sw=2,ph=1",
  };
}

std::vector<std::string> pool_full_cases() {
  return {
      "mb=1,c=2,ih=7,iw=5,k=2,s=2",                                    // the stride divides neither size
      "mb=1,c=2,ih=8,iw=9,k=2,s=2,ceil_mode=1",                        // overhang in one axis only
      "mb=1,c=1,ih=9,iw=33,k=2,s=2,ceil_mode=1",                       // two vectors and one
      "mb=1,c=2,ih=6,iw=6,k=3,s=2,p=1,ceil_mode=1",                    // overhang beyond the padding
      "mb=1,c=1,ih=5,iw=67,k=3,s=2,p=1",                               // two vectors of outputs and two
      "mb=1,c=1,ih=35,iw=6,k=3,s=2,p=1",                               // high and narrow
      "mb=1,c=2,ih=5,iw=35,k=3,s=1,p=1",                               // dense rows
      "mb=2,c=2,ih=11,iw=8,kh=3,kw=2,sh=2,sw=3",                       // strides unlike each other
      "mb=1,c=1,ih=13,iw=41,kh=5,kw=4,sh=2,sw=4,pw=2",                 // a stride beyond 2, more than a vector of it
      "mb=1,c=1,ih=7,iw=38,kh=2,kw=5,sh=1,sw=2,pw=2",                  // five taps at stride 2
      "mb=1,c=2,ih=8,iw=11,kh=2,kw=4,sh=3,sw=1,pw=2",                  // rows that no window sees
      "mb=1,c=2,ih=9,iw=23,k=1,s=2",                                   // one tap; half of the rows and columns unseen
      "mb=1,c=2,ih=9,iw=10,k=3,s=2,p=2,d=2",                           // dilation with stride
      "mb=1,c=1,ih=12,iw=11,kh=2,kw=3,sh=3,sw=2,ph=1,pw=2,dh=3,dw=2",  // dilation beyond the kernel
      "mb=1,c=2,ih=6,iw=7,k=3,ph_lo=0,ph_hi=1,pw_lo=1,pw_hi=0",        // one-sided padding
      "mb=1,c=2,ih=7,iw=6,k=4,s=2,ph_lo=2,pw_hi=1,ceil_mode=1",        // one-sided with overhang
      "mb=2,c=2,ih=7,iw=1,kh=3,kw=1,sh=2,ph=1",                        // 1-wide images
      "mb=1,c=3,ih=1,iw=9,kh=1,kw=3,sw=2,pw=1",
      "mb=1,c=3,ih=4,iw=5,kh=4,kw=5",   // one window
      "mb=1,c=1,ih=18,iw=19,k=16,s=2",  // 256 taps: an argmax is int32
      "mb=1,c=1,iw=261,kw=257,sw=2",    // 257 taps along one row
      "mb=1,c=35,ih=3,iw=3,k=3",        // channels beyond two vectors
      "mb=2,c=3,iw=9,kw=4,sw=3,pw_lo=2,ceil_mode=1",
      "mb=1,c=2,id=5,ih=4,iw=7,k=3,s=2,p=1",
      "mb=1,c=1,id=3,ih=4,iw=5,k=2,s=1,d=2,dd=1,ph=1",
      "mb=3,c=1,id=2,ih=3,iw=4,k=2,s=2,ceil_mode=1",
      "mb=1,c=2,id=5,ih=5,iw=8,kd=1,kh=2,kw=2,s=2",       // slices that no window sees
      "mb=1,c=2,ih=5,iw=37,k=2,s=1,ph_lo=1,pw_hi=1",      // small squares, one-sided padding, more than two vectors
      "mb=1,c=2,ih=7,iw=67,k=2,s=2,p=1",                  // small squares behind padding
      "mb=1,c=1,ih=6,iw=66,k=3,s=2,pw_lo=1,ceil_mode=1",  // whole vectors, and an overhang
      "mb=1,c=1,ih=7,iw=65,k=3,s=2",                      // three taps without padding
      "mb=1,c=3,ih=5,iw=16,k=3,s=2,p=1",                  // two planes fill the lanes of a vector, and one
      "mb=1,c=2,ih=4,iw=16,k=3,s=2,ceil_mode=1",          // the same with an overhang
      "mb=1,c=2,ih=2,iw=3,kh=5,kw=7,ph=2,pw=3",           // windows that begin before the input and end behind it
      "mb=1,c=3,ih=150,iw=151,k=3,s=2,p=1",               // bands of an image, which threads share
      "mb=1,c=2,ih=190,iw=180,kh=5,kw=4,sh=2,sw=1,ph=2",  // the same for windows that no sweep is compiled for
  };
}

std::vector<InvalidCase> pool_invalid_cases() {
  return {
      {"mb=0,c=3,ih=8,iw=8,k=3", "mb"},
      {"mb=1,c=3,ih=8,iw=8,kh=3", "kw"},
      {"mb=1,c=3,ih=8,iw=8,k=3,s=0", "sh"},
      {"mb=1,c=3,ih=8,iw=8,k=3,p=2", "half"},
      {"mb=1,c=3,ih=8,iw=8,k=3,ph_hi=2", "half"},
      {"mb=1,c=3,ih=4,iw=8,k=7", "larger than the padded input"},
      {"mb=1,c=3,ih=4,iw=8,k=3,dh=2", "larger than the padded input"},
      {"mb=1,c=3,iw=1,kw=2,dw=4,pw=2", "nothing but padding"},
      {"mb=1,c=3,ih=8,iw=8,k=3,ceil_mode=2", "ceil_mode"},
      {"mb=1,c=3,ih=8,iw=8,k=3,oc=2", "unknown key 'oc'"},
  };
}

}  // namespace gradproof
