#include "ops/conv/image_conv.h"

#include "ops/core/error.h"

namespace gradproof {

std::vector<AttributeSpec> image_conv_attributes(const std::vector<AttributeSpec>& more) {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("ic", "input channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  specs.push_back(integer_attribute("oc", "output channels"));
  for (const auto& spec : more) specs.push_back(spec);
  for (auto& spec : kernel_attributes()) specs.push_back(spec);
  for (auto& spec : stride_attributes()) specs.push_back(spec);
  for (auto& spec : padding_attributes()) specs.push_back(spec);
  for (auto& spec : dilation_attributes()) specs.push_back(spec);
  specs.push_back(flag_attribute("bias", "add a bias", true));
  return specs;
}

void require_image(std::string_view op, const Window& window) {
  if (window.rank != 2)
    refuse("{}: it is defined on images only, and this input has {} spatial {}; give ih and iw, and no id", op,
           window.rank, window.rank == 1 ? "axis" : "axes");
  require_output(op, window);
}

}  // namespace gradproof
