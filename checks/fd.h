// The difference gradient that `fd` and `fd-direct` share, remembered by the subject's memo.
#pragma once

#include "checks/difference.h"
#include "checks/subject.h"

namespace gradproof {

const DifferencePlan& difference_plan(const Subject& subject);
const DifferenceGradient<Real>& real_gradient(const Subject& subject);

}  // namespace gradproof
