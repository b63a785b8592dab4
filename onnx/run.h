// A test of ONNX on our operations, both forms of them.
#pragma once

#include <string>
#include <vector>

#include "checks/verdict.h"
#include "onnx/model.h"
#include "ops/core/registry.h"
#include "reference/reference.h"

namespace gradproof {

// What came of one output.
struct OnnxVerdict {
  Case c;
  std::string implementation;  // "reference": the stored output against the truth; "simd": ours against the stored one
  Verdict verdict;
  double seconds = 0;
};

struct OnnxResult {
  std::vector<OnnxVerdict> verdicts;
  std::vector<std::string> notes;  // Mapped's
};

// The stored output is somebody's float32 computation: it must be within its derived bound of the truth, and ours
// within twice that of the stored one. Throws NotCovered where the test is none of our operations' cases.
OnnxResult run_onnx_test(const Registry& registry, const References& references, const OnnxTest& test);

}  // namespace gradproof
