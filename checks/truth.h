// Truth: what the outputs of a pass should be, and how exactly they can be known.
#pragma once

#include <string>

#include "checks/subject.h"
#include "ops/core/seeded.h"
#include "ops/core/tensor.h"

namespace gradproof {

// Inputs of a check, under a name that tells them from the other inputs of the same case and pass.
struct Data {
  std::string name;
  Arrays<float> inputs;
};

// seeded_inputs of the subject, named after the regime.
Data seeded_data(const Subject& subject, Regime regime);

// Inputs for masses that hold for computations of the subject's depth: that of the Spec, or the implementation's where it
// promises less than the Spec.
Arrays<Mass<Real>> mass_inputs(const Subject& subject, const Arrays<float>& inputs);

// The value and mass of every element that the pass writes, by argument. Remembered by the subject's memo under the pass
// and the name of the data.
const Arrays<Mass<Real>>& truth(const Subject& subject, const Data& data);

}  // namespace gradproof
