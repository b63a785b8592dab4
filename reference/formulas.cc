#include "reference/formulas.h"

namespace gradproof {
namespace {

constexpr std::string_view kGradient = "diff_";

// The pass that writes `argument`, or would, if an output were its surrogate.
Pass pass_of(const Case& c, std::string_view argument) {
  for (const Slot& output : c.spec->slots)
    if (!argument.empty() && output.surrogate == argument) return Pass::forward();
  const bool gradient = argument.starts_with(kGradient);
  const Slot* slot = c.spec->find_slot(gradient ? argument.substr(kGradient.size()) : argument);
  const bool written =
      slot != nullptr && (gradient ? slot->role == Role::kInput && slot->differentiable : slot->role != Role::kInput);
  if (!written || !slot->shape(c.attributes))
    refuse("{}: '{}' is not an output of this case; the outputs are its output and saved slots, and diff_<input>",
           c.to_text(), argument);
  return gradient ? Pass::vjp(slot->name) : Pass::forward();
}

}  // namespace

void refuse_formula(const Case& c, std::string_view argument) {
  refuse("{}: the reference has no formula for '{}'", c.spec->name, argument);
}

void require_arguments(const Case& c, std::string_view argument, const ShapeOf& shape_of) {
  for (const Argument& wanted : arguments_of(*c.spec, c.attributes, pass_of(c, argument))) {
    const Slot* slot = c.spec->find_slot(wanted.name);
    if (wanted.written || (slot != nullptr && slot->from_forward())) continue;
    const Shape* shape = shape_of(wanted.name);
    if (shape == nullptr)
      refuse("{}: '{}' needs the tensor '{}' of shape {}", c.to_text(), argument, wanted.name,
             shape_text(wanted.shape));
    if (!(*shape == wanted.shape))
      refuse("{}: '{}' has shape {}, but the case asks for {}", c.to_text(), wanted.name, shape_text(*shape),
             shape_text(wanted.shape));
  }
}

}  // namespace gradproof
