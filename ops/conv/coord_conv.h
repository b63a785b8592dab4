// coord_conv: a convolution that knows where it is (Liu et al. 2018, arXiv:1807.03247, section 3).
//
// Behind the ic channels of src two constant ones are appended, and with radius=1 a third:
//   i[ih,iw] = (2 ih - (H - 1)) / (H - 1)      from -1 in the first row to 1 in the last
//   j[ih,iw] = (2 iw - (W - 1)) / (W - 1)      from -1 in the first column to 1 in the last
//   r[ih,iw] = sqrt(i^2 + j^2)                 the distance from the centre of the image
// An axis of size 1 has coordinate 0. Then follows an ordinary conv over all of them. Padding is zero in the appended
// channels too, as where a framework concatenates first and pads afterwards. The centre of r is that of the paper,
// (H/2, W/2); the code published with it takes the distance from (0.5, 0.5) in these coordinates, off the centre.
#pragma once

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

struct CoordConvAttributes {
  Index mb, ic, oc;
  bool radius, bias;
  Window window;

  Index coordinates() const { return radius ? 3 : 2; }
  Index channels() const { return ic + coordinates(); }  // that the convolution sees
};

CoordConvAttributes coord_conv_attributes(const Attributes& attributes);

// Slots: src [mb][ic][ih][iw], weights [oc][ic + 2 or 3][kh][kw], bias [oc], dst [mb][oc][oh][ow]; gradients of src,
// weights and bias. A NaN in src or bias reaches exactly the outputs that the formula names.
Operation coord_conv_operation();

}  // namespace gradproof
