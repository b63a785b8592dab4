// A list of layers: each is a case of its own, at least once in the network.
#include "bench/shapes.h"

#include "fuzzers/fuzzer.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {

void fuzz(std::string_view input) {
  static const Registry registry = register_operations();
  std::vector<Layer> layers;
  if (!takes<UsageError>([&] { layers = parse_shapes(registry, input, kFuzzedFile); })) return;
  require(!layers.empty(), "a list has layers");
  for (const Layer& layer : layers) {
    require(layer.multiplicity >= 1, "a layer is there", layer.name);
    require(registry.parse_case(layer.work.to_text()) == layer.work, "a layer is a case", layer.work.to_text());
  }
}

}  // namespace gradproof
