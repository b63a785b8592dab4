// Spec: one declaration of an operation, from which checks, benchmarks, names and documentation are derived.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/attributes.h"
#include "ops/core/tensor.h"

namespace gradproof {

enum class Role { kInput, kOutput, kSaved };

// How the outputs depend on an input, the other inputs held fixed. It chooses the finite-difference step:
// affine has no truncation error at all, smooth takes high order, kinked a small step certified to cross no kink. Flat
// is constant between jumps: kinked, with a derivative of 0 wherever there is one, which is no use and is said to be
// none.
enum class Dependence { kAffine, kSmooth, kKinked, kFlat };

// Which values an input may take.
enum class Domain { kReal, kPositive };

class Graph;

struct Slot {
  std::string name;
  Role role = Role::kInput;
  // The shape in a case, or nothing when the case has no such tensor (bias=0).
  std::function<std::optional<Shape>(const Attributes&)> shape;
  // Input: a gradient exists. Output: it receives a cotangent.
  bool differentiable = true;
  // Output: gradients read it, as the forward pass left it.
  bool kept = false;
  Dependence dependence = Dependence::kAffine;
  // Of a kinked slot: the values at which it has kinks whatever its other elements are (relu: 0; a clip: its limits).
  // Those at ties and at whole numbers need not be named.
  std::function<std::vector<double>(const Attributes&)> kinks{};
  // Of a kinked slot: an element may move several kinked terms of one output, as in a composition. The slopes of the
  // output on either side then do not bound what a convention makes of the terms: relu(x) - relu(-x) has slope 1 on
  // both sides of 0, and 0 by relu'(0) = 0.
  bool kinks_add_up = false;
  Domain domain = Domain::kReal;
  std::function<ElementType(const Attributes&)> type = [](const Attributes&) { return ElementType::kFloat32; };
  // Inputs that are no floats: how many values they choose from, 0, 1, 2, ..., at most 2^24, so that floats hold them
  // as well. Such inputs are not differentiable.
  std::function<Index(const Attributes&)> choices{};
  // Of an output whose gradient is by design that of another function: the reference's formula of that name. Whatever
  // differentiates the output differentiates this instead (docs/decisions/0016-surrogates.md).
  std::string surrogate{};
  // Names of the axes in two dimensions, where they are not those of a map (n c ih iw), of weights (oc ic kh kw) or of
  // channels (c). In one dimension those that end in h are missing.
  std::vector<std::string> axes{};

  // Whether gradients have it from the forward pass.
  bool from_forward() const { return role == Role::kSaved || kept; }
};

// What is computed: the forward pass, the VJP with respect to one input, or the whole VJP.
struct Pass {
  enum class Kind { kForward, kVjp };
  Kind kind = Kind::kForward;
  std::string slot{};  // the input of a VJP; empty for the whole VJP

  static Pass forward() { return {}; }
  static Pass vjp(std::string slot = "") { return {Kind::kVjp, std::move(slot)}; }
  bool is_forward() const { return kind == Kind::kForward; }
  std::string to_text() const;  // "forward", "vjp:src", "vjp"
  friend bool operator==(const Pass&, const Pass&) = default;
};

// Work of one pass: floating-point operations (a fused multiply-add counts 2) and the least bytes that must move.
struct Cost {
  double flops = 0;
  double bytes = 0;
};

enum class Tier { kSmoke, kFull };

// A case that must be refused, and words that the refusal must contain.
struct InvalidCase {
  std::string text;
  std::string mentions;
};

struct Spec {
  std::string name;
  std::string family;
  std::string summary;  // one line with the formula and its source
  std::vector<AttributeSpec> attributes;
  std::vector<Slot> slots;  // inputs, outputs, saved: in argument order
  bool whole_vjp = false;   // also offer all gradients in one pass

  // Throws UsageError when attributes do not go together.
  std::function<void(const Attributes&)> validate;
  std::function<Cost(const Attributes&, const Pass&)> cost;
  // Roundings on the longest path to an element of `slot`, which may name a surrogate, in any sensible summation order;
  // implementations that promise less declare it themselves.
  std::function<double(const Attributes&, const Pass&, std::string_view slot)> depth;
  // Roundings on the longest path to a value that a cell is taken of (a computed offset), in any order of summation;
  // empty: such values are inputs, or as deep as the outputs.
  std::function<double(const Attributes&)> decision_depth;
  // Multilinear or selecting: small integers must come out bit for bit.
  bool exact_on_integers = false;
  // Whether a NaN in `slot` must reach exactly the outputs that the formula names. Otherwise it may spread further
  // (a kernel may multiply padding by it), but never get lost.
  std::function<bool(const Pass&, std::string_view slot)> contains_nan;
  std::vector<std::string> smoke_cases;  // case texts without the operation's name
  std::vector<std::string> full_cases;   // full tier = smoke + these
  std::vector<InvalidCase> invalid_cases;

  // Of a network: the operations that it is made of. The reference follows it by the chain rule.
  std::function<std::shared_ptr<const Graph>(const Attributes&)> graph{};

  const Slot* find_slot(std::string_view slot_name) const;
  // The formula that an output is differentiated by: its surrogate's, or its own.
  const std::string& differentiated(const std::string& output) const;
  // Forward, one VJP for each differentiable input and, where offered, the whole VJP.
  std::vector<Pass> passes() const;
};

// One tensor that a pass reads or writes.
struct Argument {
  std::string name;  // slot name, or diff_<slot>
  Shape shape;
  ElementType type = ElementType::kFloat32;
  Domain domain = Domain::kReal;
  bool written = false;
  Index choices = 0;  // as the slot's; 0: any float of the domain
};

// What a pass reads and writes in a case, in the fixed order in which kernels receive it:
// forward: inputs, then outputs and saved; VJP: inputs, outputs that are kept, saved, diff_<output>, then the
// diff_<input> it writes.
// Slots that the case does not have are left out.
std::vector<Argument> arguments_of(const Spec& spec, const Attributes& attributes, const Pass& pass);

// Whether the pass exists in this case (no gradient of a bias that is left out).
bool has_pass(const Spec& spec, const Attributes& attributes, const Pass& pass);

}  // namespace gradproof
