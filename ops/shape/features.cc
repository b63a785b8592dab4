#include "ops/shape/features.h"

#include "ops/core/window.h"

namespace gradproof {

std::vector<AttributeSpec> feature_attributes() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (AttributeSpec& spec : input_size_attributes()) specs.push_back(std::move(spec));
  specs.back().default_value = 1;  // a default of ih would hide how many axes there are
  return specs;
}

std::vector<AttributeSpec> feature_attributes(const std::vector<AttributeSpec>& others) {
  std::vector<AttributeSpec> specs = feature_attributes();
  specs.insert(specs.end(), others.begin(), others.end());
  return specs;
}

Shape feature_shape(const Attributes& attributes, Index channels) {
  if (attributes.rank() == 1 && attributes.integer("iw") == 1) return {attributes.integer("mb"), channels};
  return spatial_shape(attributes, attributes.integer("mb"), channels);
}
Shape feature_shape(const Attributes& attributes) { return feature_shape(attributes, attributes.integer("c")); }

Index feature_space(const Attributes& attributes) { return window_of(attributes).in_count(); }
Index feature_count(const Attributes& attributes) { return element_count(feature_shape(attributes)); }

std::vector<std::string> feature_cases() {
  return {"mb=1,c=1",        "mb=5,c=3",       "mb=1,c=1,iw=15", "mb=1,c=1,iw=16",          "mb=1,c=1,iw=17",
          "mb=1,c=2,iw=31",  "mb=1,c=5,iw=13", "mb=3,c=2,ih=4",  "mb=2,c=3,id=2,ih=3,iw=5", "mb=1,c=2,ih=17,iw=8",
          "mb=1,c=65,iw=33", "mb=2,c=127"};
}

std::vector<InvalidCase> feature_invalid_cases() {
  return {{"mb=0,c=3,iw=8", "mb"},
          {"mb=1,iw=8", "c (channels) is missing"},
          {"mb=1,c=3,id=2,iw=3", "ih"},
          {"mb=1,c=3,ih=4,iw=8,k=3", "unknown key 'k'"}};
}

}  // namespace gradproof
