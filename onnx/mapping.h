// Mapping: which case of which operation of ours an ONNX operator is, and which of its tensors are which slots.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "onnx/model.h"

namespace gradproof {

// What a test comes down to. Tensors have as many elements as the slots; their axes may be others (elementwise
// operations know no axes).
struct Mapped {
  std::string case_text;
  std::map<std::string, OnnxTensor> inputs;    // by slot
  std::map<std::string, OnnxTensor> expected;  // by slot
  // By slot: what the stored numbers may be off by beyond their bounds, where ONNX computes by another formula.
  std::map<std::string, std::vector<double>> slack;
  std::vector<std::string> notes;  // outputs that ours has not, formulas that are others, and why
};

// Throws NotCovered with the reason for an operator that no entry is for, and for attributes, types and shapes that no
// case of ours has.
Mapped map_onnx_test(const OnnxTest& test);

}  // namespace gradproof
