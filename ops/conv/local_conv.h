// local_conv: unshared convolution in 1 or 2 dimensions: every output position has weights and a bias of its own.
#pragma once

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

// src [mb][ic][ih][iw], dst [mb][oc][oh][ow], weights [oc][ic][kh][kw][oh][ow], bias [oc][oh][ow]; in one dimension
// without the h axes. The output position is innermost, so that neighbours in dst have neighbouring weights.
struct LocalConvAttributes {
  Index mb, ic, oc;
  bool bias;
  Window window;

  Index terms() const { return ic * window.taps(); }  // products in one output
  Index outputs() const { return window.out_count(); }
};

LocalConvAttributes local_conv_attributes(const Attributes& attributes);

// Windows that see one input element, at most.
Index windows_over_an_input(const Window& window);

Operation local_conv_operation();

}  // namespace gradproof
