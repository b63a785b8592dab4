#include "ops/core/spec.h"

namespace gradproof {
namespace {

void append(std::vector<Argument>& arguments, const Slot& slot, const Attributes& attributes, bool gradient,
            bool written) {
  const std::optional<Shape> shape = slot.shape(attributes);
  if (!shape) return;
  const ElementType type = gradient ? ElementType::kFloat32 : slot.type(attributes);
  const Domain domain = gradient ? Domain::kReal : slot.domain;
  const Index choices = !gradient && slot.choices ? slot.choices(attributes) : 0;
  arguments.push_back({gradient ? "diff_" + slot.name : slot.name, *shape, type, domain, written, choices});
}

}  // namespace

std::string Pass::to_text() const {
  if (is_forward()) return "forward";
  return slot.empty() ? "vjp" : "vjp:" + slot;
}

const Slot* Spec::find_slot(std::string_view slot_name) const {
  for (const Slot& slot : slots)
    if (slot.name == slot_name) return &slot;
  return nullptr;
}

const std::string& Spec::differentiated(const std::string& output) const {
  const std::string& surrogate = find_slot(output)->surrogate;
  return surrogate.empty() ? output : surrogate;
}

std::vector<Pass> Spec::passes() const {
  std::vector<Pass> passes{Pass::forward()};
  for (const Slot& slot : slots)
    if (slot.role == Role::kInput && slot.differentiable) passes.push_back(Pass::vjp(slot.name));
  if (whole_vjp) passes.push_back(Pass::vjp());
  return passes;
}

std::vector<Argument> arguments_of(const Spec& spec, const Attributes& attributes, const Pass& pass) {
  std::vector<Argument> arguments;
  const auto append_all = [&](Role role, bool gradient, bool written) {
    for (const Slot& slot : spec.slots) {
      const bool wanted =
          !gradient || (slot.differentiable && (role == Role::kOutput || pass.slot.empty() || pass.slot == slot.name));
      if (slot.role == role && wanted) append(arguments, slot, attributes, gradient, written);
    }
  };
  append_all(Role::kInput, false, false);
  if (pass.is_forward()) {
    append_all(Role::kOutput, false, true);
    append_all(Role::kSaved, false, true);
  } else {
    for (const Slot& slot : spec.slots)
      if (slot.kept) append(arguments, slot, attributes, false, false);
    append_all(Role::kSaved, false, false);
    append_all(Role::kOutput, true, false);
    append_all(Role::kInput, true, true);
  }
  return arguments;
}

bool has_pass(const Spec& spec, const Attributes& attributes, const Pass& pass) {
  if (pass.is_forward()) return true;
  if (pass.slot.empty()) return spec.whole_vjp;
  const Slot* slot = spec.find_slot(pass.slot);
  return slot != nullptr && slot->role == Role::kInput && slot->differentiable && slot->shape(attributes).has_value();
}

}  // namespace gradproof
