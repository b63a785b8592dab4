#include "bench/peers/onednn.h"
#include "bench/peers/peers.h"

namespace gradproof {
namespace {

void add_all(Registry& registry, const std::string& operation, std::vector<Implementation> implementations) {
  const auto& operations = registry.operations();
  const auto named = [&](const auto& candidate) { return candidate->spec.name == operation; };
  if (std::none_of(operations.begin(), operations.end(), named)) return;
  for (Implementation& implementation : implementations)
    registry.add_implementation(operation, std::move(implementation));
}

}  // namespace

void register_peers(Registry& registry) {
  add_all(registry, "conv", onednn::conv_implementations());
  add_all(registry, "conv_transpose", onednn::conv_transpose_implementations());
  add_all(registry, "max_pool", onednn::max_pool_implementations());
  add_all(registry, "avg_pool", onednn::avg_pool_implementations());
  add_all(registry, "global_avg_pool", onednn::global_avg_pool_implementations());
  add_all(registry, "batch_norm", onednn::batch_norm_implementations());
  add_all(registry, "layer_norm", onednn::layer_norm_implementations());
  add_all(registry, "lrn", onednn::lrn_implementations());
  for (auto& [operation, implementations] : onednn::activation_implementations())
    add_all(registry, operation, std::move(implementations));
  add_all(registry, "linear", onednn::linear_implementations());
  add_all(registry, "softmax", onednn::softmax_implementations());
  add_all(registry, "log_softmax", onednn::log_softmax_implementations());
  add_all(registry, "add", onednn::add_implementations());
  add_all(registry, "concat", onednn::concat_implementations());
}

std::map<std::string, std::string> peer_libraries() { return {{"onednn", onednn::version()}}; }

}  // namespace gradproof
