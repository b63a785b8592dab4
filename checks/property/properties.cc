// property: do the mathematical relations hold that operations are said to have?
#include <algorithm>

#include "checks/oracle.h"
#include "checks/property/lab.h"
#include "checks/property/property.h"
#include "ops/core/pattern.h"

namespace gradproof {
namespace {

Verdict show_property(const Subject& subject) {
  Lab lab(subject);
  try {
    subject.property->show(lab);
  } catch (const Unsupported& reason) {
    return Verdict::skip(reason.what());
  }
  return lab.verdict();
}

bool has_properties(const Case& c, const Pass&) {
  return std::any_of(all_properties().begin(), all_properties().end(),
                     [&](const Property& property) { return concerns(property, c.spec->name); });
}

}  // namespace

const std::vector<Property>& all_properties() {
  static const std::vector<Property> properties = [] {
    std::vector<Property> all;
    for (auto family : {experiments, network_properties, convolution_properties, reduction_properties,
                        pooling_properties, normalization_properties})
      for (Property& property : family()) all.push_back(std::move(property));
    return all;
  }();
  return properties;
}

bool concerns(const Property& property, const std::string& pattern) {
  return matches_pattern(pattern, property.name) ||
         std::any_of(property.operations.begin(), property.operations.end(),
                     [&](const std::string& operation) { return matches_pattern(pattern, operation); });
}

Oracle property_oracle() {
  return {.name = "property",
          .question = "do the mathematical relations hold that operations are said to have?",
          .asked_of = "operations that a property is about",
          .asks = Oracle::Asks::kProperties,
          .applies = has_properties,
          .sizes = Oracle::Sizes::kAny,
          .run = show_property};
}

}  // namespace gradproof
