// memory: does the kernel stay within its tensors, fill its outputs and leave its inputs alone?
#include <cstring>

#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/guarded.h"
#include "checks/inputs.h"
#include "checks/oracle.h"

namespace gradproof {
namespace {

constexpr int kUnset = 0xFF;    // as float32 a NaN that no arithmetic makes; no index into a window
constexpr int kGarbage = 0x42;  // as float32 48.56: what is added to it is not a NaN, and is wrong

// Compares elements byte for byte; `unset` counts elements that still hold the NaN from before.
void compare_bytes(const Argument& argument, const void* expected, const void* got, bool must_be_set,
                   Comparison& comparison) {
  const auto size = static_cast<size_t>(element_size(argument.type));
  const auto* want = static_cast<const unsigned char*>(expected);
  const auto* have = static_cast<const unsigned char*>(got);
  const auto value = [&](const unsigned char* bytes) {
    unsigned char copy[4];
    std::memcpy(copy, bytes, size);
    return TensorRef{copy, argument.type, Shape{1}, Strides{1}}.value_at(Position{0});
  };
  const auto is_unset = [&](const unsigned char* bytes) {
    return std::all_of(bytes, bytes + size, [](unsigned char byte) { return byte == kUnset; });
  };
  for (Index i = 0; i < element_count(argument.shape); ++i, want += size, have += size)
    comparison.add(position_of(i, argument.shape),
                   std::memcmp(want, have, size) == 0 && !(must_be_set && is_unset(have)), value(want), value(have));
}

// The arguments of a pass between guards: inputs and saved tensors as in `plain`.
class GuardedRun {
 public:
  GuardedRun(const Execution& plain, Flush flush) : plain_(plain) {
    for (size_t i = 0; i < plain.arguments().size(); ++i) {
      tensors_.emplace_back(plain.arguments()[i], flush);
      refs_.push_back(tensors_[i].ref());
      first_run_.emplace_back(tensors_[i].byte_count());
      if (!plain.arguments()[i].written) std::memcpy(refs_[i].data, plain.refs()[i].data, tensors_[i].byte_count());
    }
  }

  // Twice, first into NaN and then into garbage.
  void run(Kernel& kernel) {
    fill_outputs(kUnset);
    kernel.execute(refs_);
    for (size_t i = 0; i < refs_.size(); ++i)
      std::memcpy(first_run_[i].data(), refs_[i].data, tensors_[i].byte_count());
    fill_outputs(kGarbage);
    kernel.execute(refs_);
  }

  std::span<const GuardedTensor> tensors() const { return tensors_; }

  // "writes outside dst: 4 bytes past its end".
  std::string describe(const Trespass& trespass) const {
    size_t i = 0;
    while (!tensors_[i].contains(trespass.address)) ++i;
    return fmt::format("{} outside {}: {}", trespass.writing ? "writes" : "reads", plain_.arguments()[i].name,
                       tensors_[i].describe(trespass.address));
  }

  std::optional<std::string> damage() const {
    for (size_t i = 0; i < tensors_.size(); ++i)
      if (const auto where = tensors_[i].damage())
        return fmt::format("writes outside {}: {}", plain_.arguments()[i].name, *where);
    return {};
  }

  void compare(const Spec& spec, const std::string& how, Comparison& comparison) const {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const Argument& argument = plain_.arguments()[i];
      const void* expected = plain_.refs()[i].data;
      if (argument.written) {
        comparison.enter(spec, argument.name, argument.shape, how + ", into NaN");
        compare_bytes(argument, expected, first_run_[i].data(), true, comparison);
        comparison.enter(spec, argument.name, argument.shape, how + ", into garbage");
        compare_bytes(argument, expected, refs_[i].data, false, comparison);
      } else {
        comparison.enter(spec, argument.name, argument.shape, how + ", an input that must not change");
        compare_bytes(argument, expected, refs_[i].data, false, comparison);
      }
    }
  }

 private:
  void fill_outputs(int byte) {
    for (size_t i = 0; i < refs_.size(); ++i)
      if (plain_.arguments()[i].written) std::memset(refs_[i].data, byte, tensors_[i].byte_count());
  }

  const Execution& plain_;
  std::vector<GuardedTensor> tensors_;
  std::vector<TensorRef> refs_;
  std::vector<std::vector<unsigned char>> first_run_;
};

// A view with gaps: every layout stride is doubled, and the gaps hold NaN.
struct GappedView {
  std::vector<unsigned char> memory;
  TensorRef ref;

  explicit GappedView(const TensorRef& dense) : ref(dense) {
    const auto size = static_cast<size_t>(element_size(dense.type));
    const Index count = element_count(dense.shape);
    memory.assign(static_cast<size_t>(2 * count) * size, kUnset);
    for (int axis = 0; axis < dense.shape.rank(); ++axis) ref.strides[axis] = 2 * dense.strides[axis];
    ref.data = memory.data();
    for (Index i = 0; i < count; ++i)
      std::memcpy(&memory[static_cast<size_t>(2 * i) * size],
                  static_cast<const unsigned char*>(dense.data) + static_cast<size_t>(i) * size, size);
  }
};

// Runs with the given inputs in place of `plain`'s and compares the outputs with plain's.
void compare_views(const Subject& subject, const Execution& plain, const std::vector<TensorRef>& views,
                   const std::string& how, Comparison& comparison) {
  std::vector<Strides> strides;
  for (const TensorRef& view : views) strides.push_back(view.strides);
  const auto kernel = prepare_strided_kernel(*subject.implementation, subject.c, subject.pass, strides);
  std::vector<Buffer> outputs;
  std::vector<TensorRef> refs = views;
  for (size_t i = 0; i < refs.size(); ++i) {
    const Argument& argument = plain.arguments()[i];
    outputs.emplace_back(argument.shape, argument.type);
    if (argument.written) refs[i] = outputs.back().ref();
  }
  kernel->execute(refs);
  for (size_t i = 0; i < refs.size(); ++i) {
    const Argument& argument = plain.arguments()[i];
    if (!argument.written) continue;
    comparison.enter(subject.spec(), argument.name, argument.shape, how);
    compare_bytes(argument, plain.refs()[i].data, refs[i].data, true, comparison);
  }
}

void compare_gapped(const Subject& subject, const Execution& plain, Comparison& comparison) {
  std::vector<GappedView> gapped;
  std::vector<TensorRef> views;
  for (const TensorRef& ref : plain.refs()) views.push_back(gapped.emplace_back(ref).ref);
  compare_views(subject, plain, views, "strided inputs", comparison);
}

// Inputs that repeat along their first axis: once written out, once as layout stride 0.
void compare_broadcast(const Subject& subject, Arrays<float> inputs, Comparison& comparison) {
  for (auto& [name, array] : inputs) {
    const Index row = element_count(array.shape) / array.shape[0];
    for (Index i = row; i < element_count(array.shape); ++i) array[i] = array[i % row];
  }
  Execution plain(subject.c, subject.pass, *subject.implementation, inputs);
  plain.run();
  std::vector<TensorRef> views = plain.refs();
  for (size_t i = 0; i < views.size(); ++i)
    if (inputs.contains(plain.arguments()[i].name)) views[i].strides[0] = 0;
  compare_views(subject, plain, views, "stride-0 inputs", comparison);
}

Verdict check_memory(const Subject& subject) {
  const auto inputs = seeded_inputs(subject.c, subject.pass, subject.seed, Regime::kNormal);
  Comparison comparison(subject.c);
  Execution plain(subject.c, subject.pass, *subject.implementation, inputs);
  const auto kernel = prepare_kernel(*subject.implementation, subject.c, subject.pass, 1);
  std::vector<std::pair<std::string, std::unique_ptr<GuardedRun>>> runs;
  runs.emplace_back("flush with the guard behind", std::make_unique<GuardedRun>(plain, Flush::kEnd));
  runs.emplace_back("flush with the guard before", std::make_unique<GuardedRun>(plain, Flush::kBegin));
  for (auto& [how, run] : runs) {
    if (const auto trespass = trespass_of(run->tensors(), [&] { run->run(*kernel); }))
      return Verdict::fail(fmt::format("{} ({})", run->describe(*trespass), how));
    if (const auto damage = run->damage()) return Verdict::fail(fmt::format("{} ({})", *damage, how));
  }
  plain.run();
  if (const auto damage = plain.damage()) return Verdict::fail(*damage);
  for (const auto& [how, run] : runs) run->compare(subject.spec(), how, comparison);
  compare_gapped(subject, plain, comparison);
  compare_broadcast(subject, inputs, comparison);
  Verdict verdict = comparison.verdict();
  verdict.isa = kernel->isa();
  return verdict;
}

}  // namespace

Oracle memory_oracle() {
  return {.name = "memory",
          .question = "does the kernel stay within its tensors, fill every output and leave its inputs alone?",
          .asked_of = "every pass",
          .applies = any_pass,
          .run = check_memory};
}

}  // namespace gradproof
