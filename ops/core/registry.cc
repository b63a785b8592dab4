#include "ops/core/registry.h"

#include <fmt/ranges.h>

#include "ops/core/error.h"

namespace gradproof {

const Implementation& Operation::implementation(std::string_view name) const {
  std::vector<std::string> names;
  for (const Implementation& candidate : implementations) {
    if (candidate.name == name) return candidate;
    names.push_back(candidate.name);
  }
  refuse("{} has no implementation '{}'; there are {}", spec.name, name, fmt::join(names, " "));
}

void Registry::add(Operation operation) { operations_.push_back(std::make_unique<Operation>(std::move(operation))); }

void Registry::add_implementation(std::string_view operation, Implementation implementation) {
  find(operation);
  for (const auto& candidate : operations_) {
    if (candidate->spec.name != operation) continue;
    for (const Implementation& other : candidate->implementations)
      if (other.name == implementation.name)
        throw std::logic_error(fmt::format("{} has two implementations '{}'", operation, other.name));
    candidate->implementations.push_back(std::move(implementation));
    return;
  }
}

const Operation& Registry::find(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& operation : operations_) {
    if (operation->spec.name == name) return *operation;
    names.push_back(operation->spec.name);
  }
  refuse("unknown operation '{}'; known are {}", name, fmt::join(names, " "));
}

Case Registry::parse_case(std::string_view text) const {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    refuse("'{}' is not a case; write op:key=value,key=value, for instance relu:mb=2,c=3,i=8", text);
  return make_case(find(text.substr(0, colon)).spec, text.substr(colon + 1));
}

}  // namespace gradproof
