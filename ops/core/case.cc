#include "ops/core/case.h"

#include "ops/core/error.h"

namespace gradproof {
namespace {

// 2^31 - 1: 8 GiB of float32, and kernels may count elements in 32 bits.
constexpr double kMostElements = 2147483647;

void require_countable(const Case& c) {
  for (const Slot& slot : c.spec->slots) {
    const std::optional<Shape> shape = slot.shape(c.attributes);
    double count = 1;
    if (shape)
      for (Index size : *shape) count *= static_cast<double>(size);
    if (!(count <= kMostElements))
      refuse("{}: {} of {} has {:.3g} elements; at most {:.0f} are allowed", c.spec->name, slot.name,
             shape_text(*shape), count, kMostElements);
  }
}

}  // namespace

std::string Case::to_text() const { return spec->name + ":" + attributes.to_text(); }

Case make_case(const Spec& spec, std::string_view attributes) {
  Case result{&spec, Attributes::parse(spec.name, spec.attributes, attributes)};
  if (spec.validate) spec.validate(result.attributes);
  require_countable(result);
  return result;
}

}  // namespace gradproof
