// Tensors of another program on given inputs, each held to the truth.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "checks/judgement.h"
#include "cli/evaluation.h"

namespace gradproof {

struct VerificationOptions {
  std::string pass{};   // "forward", "vjp:src", "vjp"; empty: for each tensor the pass that writes it alone
  double seconds = 60;  // for each tensor
};

// One tensor's verdict.
struct JudgedTensor {
  std::string argument;
  Pass pass;
  NpyType type;
  Index elements = 0;
  double seconds = 0;  // that it took
  Verdict verdict;
};

// What a pass of the case writes, as far as the options allow: what claims may be about.
// Throws UsageError for a pass that the case does not have.
std::vector<Argument> written_arguments(const Case& c, const VerificationOptions& options);

// Judges every claim: float32 tensors by the unit roundoff of float32, float64 tensors by that of float64, integers as
// they are. Inputs may be float32 or float64, and are all that the passes read.
// Throws UsageError for an input that is missing, of a wrong shape or type, not finite, or that a float32 computation
// could not have had, and for a case too large.
std::vector<JudgedTensor> verify_tensors(
    const Operation& operation, const Reference& reference, const Case& c, const VerificationOptions& options,
    const NamedArrays& inputs, const NamedArrays& claims,
    const std::function<void(double fraction, const std::string& what)>& progress = {});

// Throws UsageError when the inputs of the case do not fit into memory as masses.
void require_judgeable(const Case& c);

}  // namespace gradproof
