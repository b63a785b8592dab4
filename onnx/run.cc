#include "onnx/run.h"

#include <chrono>
#include <cmath>
#include <utility>

#include "checks/execution.h"
#include "checks/inputs.h"
#include "checks/judgement.h"
#include "onnx/translator.h"

namespace gradproof {
namespace {

constexpr double kSeconds = 20;  // for each output

Case parse(const Registry& registry, const std::string& text) {
  try {
    return registry.parse_case(text);
  } catch (const UsageError& error) {
    not_covered("{}", error.what());
  }
}

Array<double> fitted(const OnnxTensor& tensor, const Argument& argument, const std::string& case_text) {
  if (static_cast<Index>(tensor.values.size()) != element_count(argument.shape))
    not_covered("{} has {} elements, but in {} it has shape {}", argument.name, tensor.values.size(), case_text,
                shape_text(argument.shape));
  Array<double> array;
  array.shape = argument.shape;
  array.values = tensor.values;
  return array;
}

void require_value(const Argument& argument, double value) {
  if (!std::isfinite(value))
    not_covered("{} holds {}, and errors are bounded for finite numbers", argument.name, value);
  const double least = argument.type == ElementType::kUint8 ? 0 : -0x1p31;
  const double most = argument.type == ElementType::kUint8 ? 255 : 0x1p31 - 1;
  if (argument.type != ElementType::kFloat32 && !(least <= value && value <= most))
    not_covered("{} holds {}, which its type does not", argument.name, value);
}

Arrays<double> inputs_of(const Case& c, const Mapped& mapped) {
  Arrays<double> inputs;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, Pass::forward())) {
    if (argument.written) continue;
    const auto tensor = mapped.inputs.find(argument.name);
    if (tensor == mapped.inputs.end()) not_covered("{} reads {}, which the test has not", c.to_text(), argument.name);
    Array<double> array = fitted(tensor->second, argument, c.to_text());
    for (double value : array.values) require_value(argument, value);
    inputs.emplace(argument.name, std::move(array));
  }
  return inputs;
}

Arrays<float> floats_of(const Arrays<double>& arrays) {
  Arrays<float> result;
  for (const auto& [name, array] : arrays) {
    Array<float>& target = result.emplace(name, Array<float>(array.shape)).first->second;
    for (size_t i = 0; i < array.values.size(); ++i) target.values[i] = static_cast<float>(array.values[i]);
  }
  return result;
}

Claim claim_of(const Execution& execution, size_t number) {
  const Argument& argument = execution.arguments()[number];
  Claim claim{argument.name, Array<double>(argument.shape)};
  for (Index i = 0; i < element_count(argument.shape); ++i)
    claim.values[i] = execution.refs()[number].value_at(position_of(i, argument.shape));
  return claim;
}

template <class Compare>
OnnxVerdict timed(const Case& c, const std::string& implementation, Compare compare) {
  const auto begin = std::chrono::steady_clock::now();
  OnnxVerdict result{c, implementation, compare(), 0};
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace

OnnxResult run_onnx_test(const Registry& registry, const References& references, const OnnxTest& test) {
  const Mapped mapped = map_onnx_test(test);
  const Case c = parse(registry, mapped.case_text);
  const Operation& operation = registry.find(c.spec->name);
  const Implementation& simd = operation.implementation("simd");
  const Arrays<double> inputs = inputs_of(c, mapped);
  const Judge judge(operation, references.at(c.spec->name), c, Pass::forward(), Precision::kSingle, inputs);
  const auto unsupported = unsupported_reason(simd, c, Pass::forward());
  std::unique_ptr<Execution> execution;
  if (!unsupported) {
    execution = std::make_unique<Execution>(c, Pass::forward(), simd, floats_of(inputs));
    execution->run();
  }
  OnnxResult result{{}, mapped.notes};
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, Pass::forward());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto stored = mapped.expected.find(arguments[i].name);
    if (!arguments[i].written || stored == mapped.expected.end()) continue;
    Claim claim{arguments[i].name, fitted(stored->second, arguments[i], c.to_text())};
    if (const auto slack = mapped.slack.find(arguments[i].name); slack != mapped.slack.end())
      claim.slack = slack->second;
    result.verdicts.push_back(timed(c, "reference", [&] { return judge.judge(claim, kSeconds); }));
    result.verdicts.push_back(timed(c, simd.name, [&] {
      return unsupported ? Verdict::skip(*unsupported) : judge.agree(claim_of(*execution, i), claim, kSeconds);
    }));
  }
  if (result.verdicts.empty()) not_covered("no output is stored that ours has");
  return result;
}

}  // namespace gradproof
