#include "checks/oracle.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gradproof {

namespace {

constexpr double kMostFlops = 4e6;
constexpr Index kMostOfSmall = 20000;
constexpr Index kFewRows = 100;

// In which cases, for what is asked of cases.
std::string in_cases(const Oracle& oracle) {
  if (oracle.asks == Oracle::Asks::kSpec || oracle.asks == Oracle::Asks::kProperties) return "";
  switch (oracle.sizes) {
    case Oracle::Sizes::kSmall:
      return ", in cases small enough to be evaluated everywhere";
    case Oracle::Sizes::kFewRows:
      return ", in cases small enough to be evaluated everywhere, or with few outputs";
    case Oracle::Sizes::kLarge:
      return ", in cases too large to be evaluated everywhere, and in every size before it is timed";
    case Oracle::Sizes::kAny:
      return ", in every case";
  }
  return "";
}

}  // namespace

bool is_small(const Case& c) {
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, Pass::forward());
  return c.spec->cost(c.attributes, Pass::forward()).flops <= kMostFlops &&
         std::all_of(arguments.begin(), arguments.end(),
                     [](const Argument& argument) { return element_count(argument.shape) <= kMostOfSmall; });
}

bool has_few_rows(const Case& c) {
  Index rows = 0, columns = 0;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, Pass::forward()))
    (argument.written ? rows : columns) += element_count(argument.shape);
  return c.spec->cost(c.attributes, Pass::forward()).flops <= kMostFlops && rows <= kFewRows &&
         columns <= kMostOfSmall * kMostOfSmall / kFewRows;
}

bool is_size_for(const Oracle& oracle, const Case& c) {
  switch (oracle.sizes) {
    case Oracle::Sizes::kSmall:
      return is_small(c);
    case Oracle::Sizes::kFewRows:
      return is_small(c) || has_few_rows(c);
    default:
      return true;
  }
}

Record oracle_record(const Oracle& oracle) {
  Record record = make_record("oracle");
  record["name"] = oracle.name;
  record["question"] = oracle.question;
  record["asked_of"] = oracle.asked_of + in_cases(oracle);
  return record;
}

std::vector<Oracle> all_oracles() {
  return {fd_oracle(),          fd50_oracle(),      adjoint_oracle(), second_oracle(), forward_oracle(),
          vjp_oracle(),         fd_direct_oracle(), exact_oracle(),   kink_oracle(),   special_oracle(),
          determinism_oracle(), memory_oracle(),    invalid_oracle(), large_oracle(),  property_oracle()};
}

}  // namespace gradproof
