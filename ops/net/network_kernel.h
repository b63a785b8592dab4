// Networks by the kernels of their operations, one after the other.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ops/core/graph.h"
#include "ops/net/layers.h"

namespace gradproof {

// The VJPs of a node that `pass`, a VJP of the network, takes: one for each input on a way from what is wanted.
std::vector<Pass> passes_towards(const Graph& graph, const Node& node, const Pass& pass);

// The network of `graph` by each implementation that its operations, which are `layers`, have.
std::vector<Implementation> network_simd_implementations(const GraphOf& graph,
                                                         const std::shared_ptr<const Layers>& layers);

}  // namespace gradproof
