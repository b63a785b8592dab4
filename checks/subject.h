// Subject: what an oracle looks at, and the memory that the oracles of one case share.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "ops/core/case.h"
#include "ops/core/implementation.h"
#include "reference/reference.h"

namespace gradproof {

class Registry;
struct Property;

// Keeps what is expensive and does not depend on the implementation: reference values, difference gradients. It forgets
// everything when it is asked about another case, reference or seed. Not thread-safe: one for each worker.
class Memo {
 public:
  // The value under `key`, made by make() when it is not there yet. Valid until the next subject.
  template <class V, class Make>
  const V& get(const std::string& key, Make make) {
    std::any& slot = values_[key];
    if (!slot.has_value()) slot = std::make_shared<V>(make());
    return **std::any_cast<std::shared_ptr<V>>(&slot);
  }

  void attend_to(const std::string& subject) {
    if (subject == subject_) return;
    subject_ = subject;
    values_.clear();
  }

 private:
  std::string subject_;
  std::map<std::string, std::any> values_;
};

struct Subject {
  const Case& c;
  Pass pass;
  const Reference* reference = nullptr;            // null for the `invalid` oracle only
  const Implementation* implementation = nullptr;  // null for oracles that question the reference or the Spec
  std::uint64_t seed = 0;
  Memo* memo = nullptr;
  // Of the `property` oracle only: what is to be shown, and where its operations are.
  const Property* property = nullptr;
  const Registry* registry = nullptr;
  const References* references = nullptr;

  const Spec& spec() const { return *c.spec; }
  std::vector<Argument> arguments() const { return arguments_of(*c.spec, c.attributes, pass); }
  // The reference alone, in another pass of the same case.
  Subject of_reference(Pass other) const {
    Subject result = *this;
    result.pass = std::move(other);
    result.implementation = nullptr;
    return result;
  }
  double depth(std::string_view argument) const { return implementation->depth_of(c, pass, argument); }
};

}  // namespace gradproof
