// Property: a mathematical relation within or between operations, shown by computing both of its sides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/core/spec.h"

namespace gradproof {

class Lab;

struct Property {
  std::string name;
  std::string claim;                    // one sentence
  std::vector<std::string> operations;  // the first is the one that it is listed under
  Pass pass{};                          // what it is mainly about
  Tier tier = Tier::kSmoke;             // full: what takes seconds
  void (*show)(Lab&) = nullptr;
};

// All of them, those first that take longest. To add one: an entry in the list of its family, and the function that
// shows it.
const std::vector<Property>& all_properties();

std::vector<Property> convolution_properties();
std::vector<Property> reduction_properties();
std::vector<Property> pooling_properties();
std::vector<Property> normalization_properties();
std::vector<Property> network_properties();
std::vector<Property> experiments();

// Whether the property has that name or is about that operation; '*' and '?' match as in file names.
bool concerns(const Property& property, const std::string& pattern);

}  // namespace gradproof
