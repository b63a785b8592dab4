// Registry: the operations and their implementations, a value built in main() by explicit calls.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/case.h"
#include "ops/core/implementation.h"

namespace gradproof {

struct Operation {
  Spec spec;
  std::vector<Implementation> implementations;

  // Throws UsageError naming the implementations there are.
  const Implementation& implementation(std::string_view name) const;
};

class Registry {
 public:
  void add(Operation operation);
  // Throws UsageError for an unknown operation, and std::logic_error for a name that it has already. Pointers to its
  // other implementations go stale.
  void add_implementation(std::string_view operation, Implementation implementation);

  const std::vector<std::unique_ptr<Operation>>& operations() const { return operations_; }
  // Throws UsageError naming the operations there are.
  const Operation& find(std::string_view name) const;
  // Throws UsageError. "op:key=value,..."
  Case parse_case(std::string_view text) const;

 private:
  std::vector<std::unique_ptr<Operation>> operations_;  // Specs must not move: cases point to them
};

}  // namespace gradproof
