// A case text: what is taken has tensors and work that can be, and its canonical text means the same case.
#include <cmath>

#include "fuzzers/fuzzer.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

void require_tensors(const Case& c, const Pass& pass) {
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass)) {
    for (Index size : argument.shape) require(size >= 1, "every size is positive", c.to_text());
    require(unchecked_count(argument.shape) <= kMostElements, "elements can be counted", c.to_text());
  }
}

void require_work(const Case& c, const Pass& pass) {
  const Cost cost = c.spec->cost(c.attributes, pass);
  require(std::isfinite(cost.flops) && cost.flops >= 0, "operations can be counted", c.to_text());
  require(std::isfinite(cost.bytes) && cost.bytes > 0, "something is read or written", c.to_text());
}

}  // namespace

void fuzz(std::string_view input) {
  static const Registry registry = register_operations();
  Case read;
  if (!takes<UsageError>([&] { read = registry.parse_case(input); }, "")) return;
  for (const Pass& pass : read.spec->passes()) {
    if (!has_pass(*read.spec, read.attributes, pass)) continue;
    require_tensors(read, pass);
    require_work(read, pass);
  }
  const std::string text = read.to_text();
  const Case again = registry.parse_case(text);
  require(again == read && again.to_text() == text, "a case's text means the case", text);
}

}  // namespace gradproof
