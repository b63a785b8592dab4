// What the tests of the reference share: cases by text, tensors from literals or seeds.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "ops/core/seeded.h"
#include "ops/register.h"
#include "reference/reference.h"

namespace gradproof::testing {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

inline const Registry& registry() {
  static const Registry operations = register_operations();
  return operations;
}
inline const References& references() {
  static const References all = register_references();
  return all;
}

// The arguments of a pass that it reads and that a reference wants: not the saved tensors.
inline std::vector<Argument> inputs_of(const Case& c, const Pass& pass) {
  std::vector<Argument> result;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass)) {
    const Slot* slot = c.spec->find_slot(argument.name);
    const bool saved = slot != nullptr && slot->from_forward();
    if (!argument.written && !saved) result.push_back(argument);
  }
  return result;
}
inline std::vector<Argument> outputs_of(const Case& c, const Pass& pass) {
  std::vector<Argument> result;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
    if (argument.written) result.push_back(argument);
  return result;
}

// Seeded float32 numbers in any scalar, for every tensor that the pass reads.
template <class T>
Arrays<T> seeded(const Case& c, const Pass& pass, std::uint64_t seed, Regime regime = Regime::kNormal) {
  Arrays<T> result;
  for (const Argument& argument : inputs_of(c, pass)) {
    Array<T>& array = result.emplace(argument.name, Array<T>(argument.shape)).first->second;
    const std::vector<float> values = seeded_values(argument, seed, regime);
    for (Index i = 0; i < element_count(argument.shape); ++i)
      array[i] = T(static_cast<double>(values[static_cast<size_t>(i)]));
  }
  return result;
}

// One operation's reference with given numbers: Example("relu:mb=1,c=1,iw=2").with("src", {1, -1}).output("dst").
class Example {
 public:
  explicit Example(const std::string& text) : case_(registry().parse_case(text)) {}

  Example& with(const std::string& name, std::vector<double> values) {
    for (const Pass& pass : case_.spec->passes()) {
      if (!has_pass(*case_.spec, case_.attributes, pass)) continue;
      for (const Argument& argument : inputs_of(case_, pass)) {
        if (argument.name != name) continue;
        Array<double> array(argument.shape);
        if (array.values.size() != values.size()) throw std::logic_error(name + " has another number of elements");
        array.values = std::move(values);
        inputs_.insert_or_assign(name, std::move(array));
        return *this;
      }
    }
    throw std::logic_error("the case has no input " + name);
  }

  // Every element of an output or saved tensor or of a gradient, computed in T.
  template <class T = Real>
  std::vector<double> output(std::string_view argument) const {
    Arrays<T> inputs;
    for (const auto& [name, array] : inputs_) {
      Array<T>& promoted = inputs.emplace(name, Array<T>(array.shape)).first->second;
      for (Index i = 0; i < element_count(array.shape); ++i) promoted[i] = T(array[i]);
    }
    std::vector<double> result;
    for (const T& value : reference().template evaluate<T>(case_, inputs, argument, shape(argument)).values)
      result.push_back(static_cast<double>(value_of(value)));
    return result;
  }

  Shape shape(std::string_view argument) const {
    for (const Pass& pass : case_.spec->passes())
      for (const Argument& candidate : outputs_of(case_, pass))
        if (candidate.name == argument) return candidate.shape;
    throw std::logic_error("the case has no such output");
  }
  const Case& c() const { return case_; }
  const Reference& reference() const { return references().at(case_.spec->name); }

 private:
  Case case_;
  Arrays<double> inputs_;
};

using Values = std::vector<double>;

// Whole numbers from -4 to 4 in no obvious order, so that sums of products are exact.
inline Values whole_numbers(Index count, Index seed) {
  Values values;
  for (Index i = 0; i < count; ++i)
    values.push_back(seeded_value(static_cast<std::uint64_t>(seed), "", Position{i}, Regime::kInteger, Domain::kReal));
  return values;
}

// Calls visit(case, pass, argument written by it) for all smoke and full cases of all operations.
template <class Visit>
void for_each_output(Visit visit) {
  for (const auto& operation : registry().operations()) {
    std::vector<std::string> texts = operation->spec.smoke_cases;
    texts.insert(texts.end(), operation->spec.full_cases.begin(), operation->spec.full_cases.end());
    for (const std::string& text : texts) {
      const Case c = make_case(operation->spec, text);
      for (const Pass& pass : operation->spec.passes()) {
        if (!has_pass(*c.spec, c.attributes, pass)) continue;
        for (const Argument& argument : outputs_of(c, pass)) visit(c, pass, argument);
      }
    }
  }
}

}  // namespace gradproof::testing
