// For tests and for fuzz: random attribute texts in every spelling that the declarations allow, with the values that
// they must mean.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "ops/core/attributes.h"

namespace gradproof {

struct RandomAttributes {
  std::string text;                      // keys in random order, shorthands among them
  std::map<std::string, double> values;  // by the declared key, for the axes that the rank has
};

class AttributeGenerator {
 public:
  AttributeGenerator(const std::vector<AttributeSpec>& specs, unsigned seed) : specs_(specs), random_(seed) {}

  // Integers stay below `minimum + span`. Rank 1 to 3, where the declarations have axes at all.
  RandomAttributes next(int span) {
    const int rank = spatial() ? below(3) + 1 : 0;
    const auto applies = [&](const AttributeSpec& spec) { return spec.axis < 0 || spec.axis >= 3 - rank; };
    std::map<std::string, double> given;
    for (const AttributeSpec& spec : specs_) {
      if (!applies(spec)) continue;
      if (spec.input_size || below(3) == 0) given[spec.key] = value_of(spec, span);
      // "i" would decide the rank, so input sizes are always spelled out.
      for (const std::string& shorthand : spec.shorthands)
        if (!spec.input_size && below(4) == 0) given[shorthand] = value_of(spec, span);
    }
    RandomAttributes result;
    for (const AttributeSpec& spec : specs_) {
      if (!applies(spec)) continue;
      std::vector<std::string> spellings{spec.key};
      spellings.insert(spellings.end(), spec.shorthands.begin(), spec.shorthands.end());
      const auto found =
          std::find_if(spellings.begin(), spellings.end(), [&](const std::string& key) { return given.contains(key); });
      if (found == spellings.end() && !spec.default_value) given[spec.key] = value_of(spec, span);
      result.values[spec.key] = found != spellings.end() ? given[*found]
                                : spec.default_value     ? *spec.default_value
                                                         : given[spec.key];
    }
    result.text = shuffled(given);
    return result;
  }

 private:
  bool spatial() const {
    return std::any_of(specs_.begin(), specs_.end(), [](const AttributeSpec& spec) { return spec.input_size; });
  }

  int below(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }

  double value_of(const AttributeSpec& spec, int span) {
    switch (spec.kind) {
      case AttributeKind::kFlag:
        return below(2);
      case AttributeKind::kInteger:
        return spec.minimum + below(span);
      case AttributeKind::kReal:
        break;
    }
    // Magnitudes from 2^-60 to 2^60 with all 53 bits in use, which only a shortest exact spelling survives.
    return spec.minimum + std::ldexp(std::uniform_real_distribution<double>(1, 2)(random_), below(121) - 60);
  }

  std::string shuffled(const std::map<std::string, double>& given) {
    std::vector<std::string> pairs;
    for (const auto& [key, value] : given) pairs.push_back(fmt::format("{}={}", key, value));
    std::shuffle(pairs.begin(), pairs.end(), random_);
    return fmt::format("{}", fmt::join(pairs, ","));
  }

  const std::vector<AttributeSpec>& specs_;
  std::mt19937 random_;
};

}  // namespace gradproof
