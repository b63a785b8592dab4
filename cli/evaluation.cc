#include "cli/evaluation.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "ops/core/buffer.h"
#include "ops/core/error.h"
#include "ops/core/graph.h"
#include "ops/core/seeded.h"

namespace gradproof {
namespace {

using Buffers = std::map<std::string, Buffer, std::less<>>;

// Forward, then one VJP for each differentiable input.
std::vector<Pass> passes_of(const Case& c) {
  std::vector<Pass> passes;
  for (const Pass& pass : c.spec->passes())
    if (has_pass(*c.spec, c.attributes, pass) && (pass.is_forward() || !pass.slot.empty())) passes.push_back(pass);
  return passes;
}

ElementType element_type(NpyType type) {
  switch (type) {
    case NpyType::kUint8:
      return ElementType::kUint8;
    case NpyType::kInt32:
      return ElementType::kInt32;
    case NpyType::kFloat32:
    case NpyType::kFloat64:
      break;
  }
  return ElementType::kFloat32;
}

template <class T>
NpyArray npy_of(NpyType type, const Shape& shape, const std::vector<T>& values) {
  NpyArray array{type, shape, std::string(values.size() * sizeof(T), '\0')};
  std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}

NpyArray seeded_array(const Argument& argument, std::uint64_t seed) {
  const std::vector<float> values = seeded_values(argument, seed, Regime::kNormal);
  const NpyType type = npy_type(argument.type);
  switch (argument.type) {
    case ElementType::kUint8:
      return npy_of(type, argument.shape, std::vector<std::uint8_t>(values.begin(), values.end()));
    case ElementType::kInt32:
      return npy_of(type, argument.shape, std::vector<std::int32_t>(values.begin(), values.end()));
    case ElementType::kFloat32:
      break;
  }
  return npy_of(type, argument.shape, values);
}

void require_fit(const Argument& argument, const NpyArray& array, bool for_reference) {
  require_shape(argument, array.shape);
  const NpyType type = npy_type(argument.type);
  const bool doubles = for_reference && type == NpyType::kFloat32;
  if (array.type != type && !(doubles && array.type == NpyType::kFloat64))
    refuse("{} holds {}, but {} takes {}; convert it with astype", argument.name, to_text(array.type),
           for_reference ? "the reference" : "an implementation", doubles ? "float32 or float64" : to_text(type));
}

void run_pass(const Case& c, const Pass& pass, const Implementation& implementation, Buffers& buffers, int threads) {
  if (const auto reason = implementation.unsupported(c, pass))
    refuse("{} does not support {} of {}: {}", implementation.name, pass.to_text(), c.to_text(), *reason);
  std::vector<TensorRef> refs;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
    refs.push_back(buffers.try_emplace(argument.name, argument.shape, argument.type).first->second.ref());
  implementation.prepare(c, pass, {threads})->execute(refs);
}

}  // namespace

NpyType npy_type(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
      return NpyType::kUint8;
    case ElementType::kInt32:
      return NpyType::kInt32;
    case ElementType::kFloat32:
      break;
  }
  return NpyType::kFloat32;
}

void require_shape(const Argument& argument, const Shape& shape) {
  if (!same_but_for_trailing_ones(shape, argument.shape))
    refuse("{} has shape {}, but the case asks for {}", argument.name, shape_text(shape), shape_text(argument.shape));
}

std::vector<Argument> free_arguments(const Case& c) {
  std::vector<Argument> result;
  const auto append = [&](const Pass& pass) {
    for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass)) {
      const auto known = [&](const Argument& other) { return other.name == argument.name; };
      const Slot* slot = c.spec->find_slot(argument.name);
      const bool saved = slot != nullptr && slot->from_forward();
      if (!argument.written && !saved && std::none_of(result.begin(), result.end(), known)) result.push_back(argument);
    }
  };
  for (const Pass& pass : passes_of(c)) append(pass);
  return result;
}

NamedArrays complete_inputs(const Case& c, NamedArrays given, std::uint64_t seed, bool for_reference) {
  NamedArrays inputs;
  std::vector<std::string> names;
  for (const Argument& argument : free_arguments(c)) {
    names.push_back(argument.name);
    auto node = given.extract(argument.name);
    if (!node.empty()) require_fit(argument, node.mapped(), for_reference);
    NpyArray array = node.empty() ? seeded_array(argument, seed) : std::move(node.mapped());
    array.shape = argument.shape;
    if (for_reference) array = npy_of(NpyType::kFloat64, array.shape, array.as_doubles());
    inputs.emplace(argument.name, std::move(array));
  }
  if (!given.empty())
    refuse("{} takes no input '{}'; it takes {}", c.to_text(), given.begin()->first, fmt::join(names, " "));
  return inputs;
}

NamedArrays evaluate_implementation(const Case& c, const Implementation& implementation, const NamedArrays& inputs,
                                    int threads) {
  Buffers buffers;
  for (const auto& [name, array] : inputs) {
    const auto buffer = buffers.try_emplace(name, array.shape, element_type(array.type)).first;
    std::memcpy(buffer->second.ref().data, array.data.data(), array.data.size());
  }
  for (const Pass& pass : passes_of(c)) run_pass(c, pass, implementation, buffers, threads);
  NamedArrays results;
  for (const auto& [name, buffer] : buffers) {
    if (inputs.contains(name)) continue;
    const TensorRef ref = buffer.ref();
    results.emplace(
        name, NpyArray{npy_type(ref.type), ref.shape,
                       std::string(static_cast<const char*>(ref.data), static_cast<size_t>(buffer.byte_count()))});
  }
  return results;
}

NamedArrays evaluate_reference(const Case& c, const Reference& reference, const NamedArrays& inputs) {
  Arrays<Real> promoted;
  for (const auto& [name, array] : inputs) {
    Array<Real>& target = promoted.emplace(name, Array<Real>(array.shape)).first->second;
    const std::vector<double> values = array.as_doubles();
    std::copy(values.begin(), values.end(), target.values.begin());
  }
  NamedArrays results;
  for (const Pass& pass : passes_of(c)) {
    for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass)) {
      if (!argument.written) continue;
      const Array<Real> exact = reference.evaluate<Real>(c, promoted, argument.name, argument.shape);
      std::vector<double> rounded;
      for (const Real& value : exact.values) rounded.push_back(static_cast<double>(value));
      results.emplace(argument.name, npy_of(NpyType::kFloat64, argument.shape, rounded));
    }
  }
  return results;
}

}  // namespace gradproof
