// Tensors that the command line names: SLOT=FILE.npy.
#pragma once

#include <string>
#include <vector>

#include "cli/evaluation.h"
#include "ops/core/case.h"

namespace gradproof {

// Reads the files behind `flag`, each for one of the `known` arguments of the case. Throws UsageError with one sentence
// for a word that is not SLOT=FILE.npy, a slot that is unknown or given twice, and, before its data are read, for a
// file whose shape is not that of its slot. Element types are the caller's concern.
NamedArrays read_tensors(const std::string& flag, const std::vector<std::string>& words, const Case& c,
                         const std::vector<Argument>& known);

}  // namespace gradproof
