// determinism: the same bits for any number of threads, for every run and for any alignment?
#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/inputs.h"
#include "checks/oracle.h"

namespace gradproof {
namespace {

// Compares the outputs byte for byte with the first run's, which are those of one thread and aligned buffers.
class Bits {
 public:
  explicit Bits(const Subject& subject) : subject_(subject) {}

  void compare(const Execution& execution, const std::string& how) {
    std::vector<unsigned char> bytes = execution.output_bytes();
    if (first_.empty()) {
      first_ = bytes;
      return;
    }
    size_t offset = 0;
    for (const Argument& argument : execution.arguments()) {
      if (!argument.written) continue;
      comparison.enter(subject_.spec(), argument.name, argument.shape, how);
      compare_tensor(argument, offset, bytes);
      offset += static_cast<size_t>(element_count(argument.shape)) * size_of(argument);
    }
  }

  Comparison comparison;

 private:
  static size_t size_of(const Argument& argument) { return static_cast<size_t>(element_size(argument.type)); }

  // One element stands for all where all bytes agree: tensors may be large.
  void compare_tensor(const Argument& argument, size_t offset, std::vector<unsigned char>& bytes) {
    const Index count = element_count(argument.shape);
    const size_t size = size_of(argument);
    const auto same = [&](size_t from, size_t length) {
      return std::equal(&bytes[from], &bytes[from] + length, &first_[from]);
    };
    const bool equal = same(offset, static_cast<size_t>(count) * size);
    for (Index k = 0; k < (equal ? 1 : count); ++k) {
      const size_t at = offset + static_cast<size_t>(k) * size;
      comparison.add(position_of(k, argument.shape), same(at, size), value(first_, at, argument.type),
                     value(bytes, at, argument.type));
    }
    if (equal) comparison.add_equal(count - 1);
  }

  static double value(std::vector<unsigned char>& bytes, size_t offset, ElementType type) {
    return TensorRef{&bytes[offset], type, Shape{1}, Strides{1}}.value_at(Position{0});
  }
  static double value(const std::vector<unsigned char>& bytes, size_t offset, ElementType type) {
    std::vector<unsigned char> copy(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(offset) + element_size(type));
    return value(copy, 0, type);
  }

  const Subject& subject_;
  std::vector<unsigned char> first_;
};

Verdict check_determinism(const Subject& subject) {
  const auto inputs = seeded_inputs(subject.c, subject.pass, subject.seed, Regime::kNormal);
  Bits bits(subject);
  std::string isa;
  for (int threads : {1, 2, 3}) {
    Execution execution(subject.c, subject.pass, *subject.implementation, inputs, {.threads = threads});
    for (int run = 1; run <= 2; ++run) {
      execution.run();
      bits.compare(execution, fmt::format("{} threads, run {}", threads, run));
    }
    isa = execution.kernel().isa();
  }
  for (Index misalignment : {1, 5}) {
    Execution execution(subject.c, subject.pass, *subject.implementation, inputs, {.misalignment = misalignment});
    execution.run();
    bits.compare(execution, fmt::format("buffers {} bytes off", 4 * misalignment));
  }
  Verdict verdict = bits.comparison.verdict();
  verdict.isa = isa;
  return verdict;
}

}  // namespace

Oracle determinism_oracle() {
  return {.name = "determinism",
          .question = "the same bits for 1, 2 and 3 threads, for every run and for any alignment?",
          .asked_of = "every pass",
          .applies = any_pass,
          .sizes = Oracle::Sizes::kAny,
          .run = check_determinism};
}

}  // namespace gradproof
