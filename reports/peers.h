#pragma once

#include <string>
#include <vector>

#include "reports/records.h"

namespace gradproof {

// How many times faster than a peer: the peer's median time over ours, below 1 where the peer is faster.
struct PeerRatio {
  std::string peer;
  double ratio = 0;
};

// For each timing, in their order: its ratio to every peer that was measured on the same layer, case, pass and number
// of threads, by name. Empty for a peer's own timings, and for those that are withheld.
std::vector<std::vector<PeerRatio>> ratios_to_peers(const std::vector<Timing>& timings);

}  // namespace gradproof
