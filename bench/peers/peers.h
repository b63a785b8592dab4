// Peers: other people's implementations of the registered operations, as far as their libraries were found when this
// was built. They are checked by the same oracles and timed in the same run as ours.
#pragma once

#include <map>
#include <string>

#include "ops/core/registry.h"

namespace gradproof {

// Adds every peer to the operations that it implements; others are left alone. Call it before anything points to an
// implementation.
void register_peers(Registry& registry);

// The libraries behind them and the version that runs, or "not built: ..." with the reason.
std::map<std::string, std::string> peer_libraries();

}  // namespace gradproof
