#include "ops/conv/image_conv.h"

#include <algorithm>
#include <iterator>

#include "ops/core/error.h"

namespace gradproof {

std::vector<AttributeSpec> image_conv_attributes(const std::vector<AttributeSpec>& more) {
  std::vector<AttributeSpec> specs;
  const auto append = [&](const std::vector<AttributeSpec>& group) {
    std::copy_if(group.begin(), group.end(), std::back_inserter(specs),
                 [](const auto& spec) { return spec.axis != 0; });
  };
  append({integer_attribute("mb", "batch"), integer_attribute("ic", "input channels")});
  append(input_size_attributes());
  append({integer_attribute("oc", "output channels")});
  append(more);
  append(kernel_attributes());
  append(stride_attributes());
  append(padding_attributes());
  append(dilation_attributes());
  append({flag_attribute("bias", "add a bias", true)});
  return specs;
}

void require_image(std::string_view op, const Window& window) {
  if (window.rank != 2)
    refuse("{}: it is defined on images, and this input has {} spatial axis; give ih as well as iw", op, window.rank);
  require_output(op, window);
}

}  // namespace gradproof
