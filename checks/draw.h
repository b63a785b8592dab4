// Drawing: random cases from the whole space that an operation allows, and texts just outside of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/core/case.h"

namespace gradproof {

// What a Spec did that it must not do: it accepted what it declares to be wrong, or refused without one sentence.
struct Complaint {
  std::string text;  // the case, as the command line takes it
  std::string expected, got;
};

struct Drawing {
  Case c;
  std::uint64_t seed = 1;  // of its values
  bool sampled = false;    // too large for oracles that evaluate the reference everywhere
  Index proposed = 0;      // candidates on the way to it, of which
  Index refused = 0;       // were refused
  Index oversized = 0;     // would take too long
  std::vector<Complaint> complaints{};
};

// The drawing of this number: the same for ever, whatever else is drawn. It starts from attributes out of nowhere or
// from a case that the Spec lists, and changes one attribute after another as long as the case stays valid and quick:
// where attributes hang together (groups and channels, kernels and images) that reaches what guessing would not hit.
Drawing draw_case(const Spec& spec, std::uint64_t seed, Index number);

}  // namespace gradproof
