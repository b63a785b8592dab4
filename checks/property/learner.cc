#include "checks/property/learner.h"

#include <cmath>
#include <cstring>

namespace gradproof {
namespace {

const TensorRef& tensor(const Execution& execution, std::string_view name) {
  return execution.refs()[static_cast<size_t>(argument_index(execution.arguments(), name))];
}

void set(const Execution& execution, std::string_view name, const std::vector<float>& values) {
  const TensorRef& to = tensor(execution, name);
  for (size_t i = 0; i < values.size(); ++i)
    to.type == ElementType::kInt32 ? void(to.ints()[i] = static_cast<std::int32_t>(values[i]))
                                   : void(to.floats()[i] = values[i]);
}

void copy(const TensorRef& from, const TensorRef& to) {
  std::memcpy(to.data, from.data, static_cast<size_t>(element_count(from.shape) * element_size(from.type)));
}

Execution prepared(Lab& lab, const std::string& text, const Pass& pass) {
  const Case c = lab.at(text);
  return lab.prepared(c, pass, lab.seeded(c, pass));
}

}  // namespace

Learner::Learner(Lab& lab, const std::string& network, const std::string& loss)
    : forward_(prepared(lab, network, Pass::forward())),
      backward_(prepared(lab, network, Pass::vjp())),
      loss_(prepared(lab, loss, Pass::forward())),
      loss_gradient_(prepared(lab, loss, Pass::vjp("src"))) {
  begin(lab.at(network), lab.seed());
  set(loss_gradient_, "diff_dst", {1});
}

void Learner::begin(const Case& network, std::uint64_t seed) {
  for (const Argument& argument : arguments_of(*network.spec, network.attributes, Pass::forward())) {
    if (argument.written || argument.name == "src") continue;
    const auto count = static_cast<size_t>(element_count(argument.shape));
    Parameter parameter{argument.name, argument.shape, std::vector<float>(count), std::vector<float>(count),
                        std::vector<float>(count)};
    if (argument.shape.rank() > 1) {
      parameter.values = seeded_values(argument, seed, Regime::kNormal);
      const double terms = static_cast<double>(count) / static_cast<double>(argument.shape[0]);
      for (float& weight : parameter.values) weight *= static_cast<float>(std::sqrt(2 / terms));
    }
    set(forward_, parameter.name, parameter.values);
    parameters_.push_back(std::move(parameter));
  }
}

void Learner::load(const Array<float>& images) { set(forward_, "src", images.values); }

const float* Learner::answers(const Array<float>& images) {
  load(images);
  forward_.run();
  return tensor(forward_, "dst").floats();
}

Arrays<float> Learner::parameters() const {
  Arrays<float> result;
  for (const Parameter& parameter : parameters_) {
    Array<float>& array = result.emplace(parameter.name, Array<float>(parameter.shape)).first->second;
    array.values = parameter.values;
  }
  return result;
}

double Learner::learn(const Examples& batch, double rate) {
  answers(batch.images);
  copy(tensor(forward_, "dst"), tensor(loss_, "src"));
  set(loss_, "target", batch.targets.values);
  loss_.run();
  for (const Argument& argument : loss_gradient_.arguments())  // what the loss was given, and what it saved
    if (!argument.written && argument_index(loss_.arguments(), argument.name) >= 0)
      copy(tensor(loss_, argument.name), tensor(loss_gradient_, argument.name));
  loss_gradient_.run();
  for (const Argument& argument : forward_.arguments())
    if (!argument.written) copy(tensor(forward_, argument.name), tensor(backward_, argument.name));
  copy(tensor(loss_gradient_, "diff_src"), tensor(backward_, "diff_dst"));
  backward_.run();
  ++steps_;
  for (Parameter& parameter : parameters_) step(parameter, rate);
  return static_cast<double>(tensor(loss_, "dst").floats()[0]);
}

void Learner::step(Parameter& parameter, double rate) {
  constexpr float kMean = 0.9F, kSquare = 0.999F, kLeast = 1e-8F;
  const float* gradient = tensor(backward_, "diff_" + parameter.name).floats();
  const auto warm = static_cast<float>(rate * std::sqrt(1 - std::pow(kSquare, steps_)) / (1 - std::pow(kMean, steps_)));
  for (size_t i = 0; i < parameter.values.size(); ++i) {
    const float g = gradient[i];
    float& mean = parameter.mean[i];
    float& square = parameter.square[i];
    mean += (1 - kMean) * (g - mean);
    square += (1 - kSquare) * (g * g - square);
    parameter.values[i] -= warm * mean / (std::sqrt(square) + kLeast);
  }
  set(forward_, parameter.name, parameter.values);
}

}  // namespace gradproof
