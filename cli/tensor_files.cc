#include "cli/tensor_files.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "ops/core/error.h"

namespace gradproof {
namespace {

const Argument& known_argument(const std::string& flag, const std::string& slot, const Case& c,
                               const std::vector<Argument>& known) {
  const auto argument =
      std::find_if(known.begin(), known.end(), [&](const Argument& candidate) { return candidate.name == slot; });
  if (argument != known.end()) return *argument;
  std::vector<std::string> names;
  for (const Argument& candidate : known) names.push_back(candidate.name);
  refuse("{} {}: {} has no such tensor; there are {}", flag, slot, c.to_text(), fmt::join(names, " "));
}

}  // namespace

NamedArrays read_tensors(const std::string& flag, const std::vector<std::string>& words, const Case& c,
                         const std::vector<Argument>& known) {
  NamedArrays arrays;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      refuse("{} {}: write SLOT=FILE.npy, for instance {} src=image.npy", flag, word, flag);
    const std::string slot = word.substr(0, equals);
    const Argument& argument = known_argument(flag, slot, c, known);
    if (arrays.contains(slot)) refuse("{} {} is given twice; give it once", flag, slot);
    NpyFile file(word.substr(equals + 1));
    require_shape(argument, file.header().shape);
    arrays.emplace(slot, file.read());
  }
  return arrays;
}

}  // namespace gradproof
