#include "cli/verification.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "checks/inputs.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

// Inputs are kept as masses of 80 bytes: 1.3 GB.
constexpr Index kMostInputs = Index{1} << 24;

Precision precision_of(NpyType type) { return type == NpyType::kFloat64 ? Precision::kDouble : Precision::kSingle; }

// Passes in the order in which they are asked for a tensor: gradients alone before all of them at once.
std::vector<Pass> offered_passes(const Case& c, const VerificationOptions& options) {
  std::vector<Pass> passes;
  std::vector<std::string> names;
  for (const Pass& pass : c.spec->passes()) {
    if (!has_pass(*c.spec, c.attributes, pass)) continue;
    names.push_back(pass.to_text());
    if (options.pass.empty() || options.pass == pass.to_text()) passes.push_back(pass);
  }
  if (passes.empty())
    refuse("--pass {}: {} has no such pass; there are {}", options.pass, c.to_text(), fmt::join(names, " "));
  std::stable_partition(passes.begin(), passes.end(),
                        [](const Pass& pass) { return pass.is_forward() || !pass.slot.empty(); });
  return passes;
}

bool writes(const Case& c, const Pass& pass, const std::string& name) {
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const Argument& argument) { return argument.written && argument.name == name; });
}

void require_type(const Argument& argument, NpyType type) {
  const NpyType own = npy_type(argument.type);
  const bool is_float = own == NpyType::kFloat32;
  if (type == own || (is_float && type == NpyType::kFloat64)) return;
  refuse("{} holds {}, but it takes {}; convert it with astype", argument.name, to_text(type),
         is_float ? "float32 or float64" : to_text(own));
}

// Values that the truth is defined for, and that the precision holds.
void require_values(const Argument& argument, const Array<double>& array, Precision precision) {
  for (Index i = 0; i < element_count(array.shape); ++i) {
    const double value = array[i];
    const auto complain = [&](const char* what) {
      refuse("{} holds {} at {}, {}", argument.name, value, position_text(position_of(i, array.shape)), what);
    };
    if (!std::isfinite(value)) complain("but errors are bounded for finite numbers only");
    if (argument.domain == Domain::kPositive && !(value > 0)) complain("but must be positive");
    if (precision == Precision::kSingle && static_cast<double>(static_cast<float>(value)) != value)
      complain("which float32 does not hold; a result in float32 was computed from another number");
  }
}

Array<double> doubles_of(const NpyArray& array) {
  Array<double> result;
  result.shape = array.shape;
  result.values = array.as_doubles();
  return result;
}

Arrays<double> inputs_of(const Case& c, const Pass& pass, Precision precision, const NamedArrays& given) {
  Arrays<double> inputs;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass)) {
    if (argument.written || is_saved(*c.spec, argument.name)) continue;
    const auto array = given.find(argument.name);
    if (array == given.end())
      refuse("{} of {} reads {}, too; give it with --in {}=FILE.npy", pass.to_text(), c.to_text(), argument.name,
             argument.name);
    require_shape(argument, array->second.shape);
    require_type(argument, array->second.type);
    require_values(argument, inputs.emplace(argument.name, doubles_of(array->second)).first->second, precision);
  }
  return inputs;
}

// A claim and who judges it: one judge for all of a pass in one precision.
struct Assigned {
  JudgedTensor judged;
  Claim claim;
};

std::vector<Assigned> assign(const Case& c, const VerificationOptions& options, const NamedArrays& claims) {
  const std::vector<Argument> written = written_arguments(c, options);
  const std::vector<Pass> passes = offered_passes(c, options);
  std::vector<Assigned> result;
  for (const auto& [name, array] : claims) {
    const int number = argument_index(written, name);
    if (number < 0) refuse("{} does not write '{}'", c.to_text(), name);
    const Argument& argument = written[static_cast<size_t>(number)];
    require_shape(argument, array.shape);
    require_type(argument, array.type);
    const Pass pass = *std::find_if(passes.begin(), passes.end(), [&](const Pass& p) { return writes(c, p, name); });
    result.push_back({{name, pass, array.type, element_count(array.shape), 0, {}},
                      {name, doubles_of(array), precision_of(array.type)}});
  }
  return result;
}

}  // namespace

std::vector<Argument> written_arguments(const Case& c, const VerificationOptions& options) {
  std::vector<Argument> result;
  for (const Pass& pass : offered_passes(c, options))
    for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
      if (argument.written && argument_index(result, argument.name) < 0) result.push_back(argument);
  return result;
}

void require_judgeable(const Case& c) {
  Index elements = 0;
  for (const Argument& argument : free_arguments(c)) elements += element_count(argument.shape);
  if (elements > kMostInputs)
    refuse("{} has {} input elements, but verify holds {} at most (80 bytes each); choose a smaller case", c.to_text(),
           elements, kMostInputs);
}

std::vector<JudgedTensor> verify_tensors(const Operation& operation, const Reference& reference, const Case& c,
                                         const VerificationOptions& options, const NamedArrays& inputs,
                                         const NamedArrays& claims,
                                         const std::function<void(double, const std::string&)>& progress) {
  using Clock = std::chrono::steady_clock;
  require_judgeable(c);
  std::vector<Assigned> assigned = assign(c, options, claims);
  for (const Assigned& each : assigned)
    inputs_of(c, each.judged.pass, each.claim.precision, inputs);  // before the work
  std::vector<JudgedTensor> result;
  for (Assigned& each : assigned) {
    if (progress)
      progress(static_cast<double>(result.size()) / static_cast<double>(assigned.size()), each.claim.argument);
    const auto begin = Clock::now();
    const Judge judge(operation, reference, c, each.judged.pass, each.claim.precision,
                      inputs_of(c, each.judged.pass, each.claim.precision, inputs));
    each.judged.verdict = judge.judge(each.claim, options.seconds);
    each.judged.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    result.push_back(std::move(each.judged));
  }
  return result;
}

}  // namespace gradproof
