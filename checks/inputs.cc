#include "checks/inputs.h"

namespace gradproof {

bool is_saved(const Spec& spec, std::string_view argument) {
  const Slot* slot = spec.find_slot(argument);
  return slot != nullptr && slot->from_forward();
}

Array<float> seeded_array(const Argument& argument, std::uint64_t seed, Regime regime) {
  Array<float> array;
  array.shape = argument.shape;
  array.values = seeded_values(argument, seed, regime);
  return array;
}

Arrays<float> seeded_inputs(const Case& c, const Pass& pass, std::uint64_t seed, Regime regime) {
  Arrays<float> inputs;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
    if (!argument.written && !is_saved(*c.spec, argument.name))
      inputs.emplace(argument.name, seeded_array(argument, seed, regime));
  return inputs;
}

}  // namespace gradproof
