// Stands in for register_onednn.cc where oneDNN was not found.
#include "bench/peers/peers.h"

namespace gradproof {

void register_peers(Registry& /*registry*/) {}

std::map<std::string, std::string> peer_libraries() { return {{"onednn", "not built: oneDNN was not found"}}; }

}  // namespace gradproof
