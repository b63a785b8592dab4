// The timed end of the gate's protocol (gate/protocol.md).
#pragma once

#include "ops/core/registry.h"
#include "reference/reference.h"

namespace gradproof {

// Answers requests that come in on the file descriptor `in` with lines on `out`, until there are none. Ends with the
// process that started it, too. Throws std::system_error when an answer cannot be written.
void serve(const Registry& registry, const References& references, int in, int out);

}  // namespace gradproof
