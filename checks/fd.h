// The difference gradient that `fd` and `fd-direct` share, remembered by the subject's memo.
#pragma once

#include <optional>
#include <string>

#include "checks/difference.h"
#include "checks/subject.h"

namespace gradproof {

// How fd begins what it says of an operation that is flat in a slot.
inline constexpr const char* kNoUsefulGradient = "no useful gradient";

const DifferencePlan& difference_plan(const Subject& subject);
const DifferenceGradient<Real>& real_gradient(const Subject& subject);

// "2 of 90 outputs left out, a kink is too near", or nothing.
std::string withdrawn_text(const DifferencePlan& plan);
// Why nothing can be compared, when no output is left.
std::optional<std::string> all_withdrawn(const DifferencePlan& plan);

}  // namespace gradproof
