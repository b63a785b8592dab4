#include "ops/core/case.h"

#include "ops/core/error.h"

namespace gradproof {
namespace {

void require_countable(const Case& c, const Slot& slot) {
  const std::optional<Shape> shape = slot.shape(c.attributes);
  const double count = shape ? unchecked_count(*shape) : 0;
  if (!(count <= kMostElements))
    refuse("{}: {} of {} has {:.3g} elements; at most {:.0f} are allowed", c.spec->name, slot.name, shape_text(*shape),
           count, kMostElements);
}

}  // namespace

std::string Case::to_text() const { return spec->name + ":" + attributes.to_text(); }

Case make_case(const Spec& spec, std::string_view attributes) {
  Case result{&spec, Attributes::parse(spec.name, spec.attributes, attributes)};
  // Where the first input can be counted, so can what is made of its sizes, such as the elements of a sample.
  if (!spec.slots.empty()) require_countable(result, spec.slots.front());
  if (spec.validate) spec.validate(result.attributes);
  for (const Slot& slot : spec.slots) require_countable(result, slot);
  return result;
}

}  // namespace gradproof
