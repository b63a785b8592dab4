#include "checks/large.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "checks/inputs.h"
#include "checks/oracle.h"

namespace gradproof {
namespace {

Verdict damaged(Verdict verdict, const std::string& reason) {
  verdict.status = Verdict::Status::kFail;
  verdict.reason = reason;
  return verdict;
}

// Why parts do not add up to the whole, or nothing: each may read only what the caller gave or a part before it wrote,
// and everything that the caller wants must be written.
std::optional<std::string> broken_chain(const Execution& execution, std::span<const KernelPart> parts) {
  std::set<const void*> known;
  for (size_t i = 0; i < execution.refs().size(); ++i)
    if (!execution.arguments()[i].written) known.insert(execution.refs()[i].data);
  for (const KernelPart& part : parts) {
    const std::vector<Argument> arguments = arguments_of(*part.c.spec, part.c.attributes, part.pass);
    for (size_t i = 0; i < arguments.size(); ++i)
      if (!arguments[i].written && !known.contains(part.arguments[i].data))
        return fmt::format("{} {} reads a {} that nothing has written", part.c.to_text(), part.pass.to_text(),
                           arguments[i].name);
    for (size_t i = 0; i < arguments.size(); ++i)
      if (arguments[i].written && !known.insert(part.arguments[i].data).second)
        return fmt::format("{} {} writes a {} that was written before", part.c.to_text(), part.pass.to_text(),
                           arguments[i].name);
  }
  for (size_t i = 0; i < execution.refs().size(); ++i)
    if (!known.contains(execution.refs()[i].data))
      return fmt::format("no part writes {}", execution.arguments()[i].name);
  return {};
}

// What a part has read, saved tensors excepted.
Arrays<float> read_by(const KernelPart& part) {
  const std::vector<Argument> arguments = arguments_of(*part.c.spec, part.c.attributes, part.pass);
  Arrays<float> values;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (!arguments[i].written && !is_saved(*part.c.spec, arguments[i].name))
      values.emplace(arguments[i].name, Array<float>(arguments[i].shape, part.arguments[i].floats()));
  return values;
}

}  // namespace

SampledTruth::SampledTruth(const Reference& reference, const Case& c, const Pass& pass, const SampleOptions& options)
    : reference_(reference), case_(c), pass_(pass), options_(options) {}

// Also of another depth where the second order was never used, as in sums of products of inputs.
bool SampledTruth::Samples::hold_for(double other_depth) const {
  return depth == other_depth || std::all_of(elements.begin(), elements.end(), [](const Sample& sample) {
           return std::isinf(sample.truth.valid_to) && !sample.truth.undecided;
         });
}

const SampledTruth::Samples& SampledTruth::samples_for(double depth) {
  for (const Samples& samples : samples_)
    if (samples.hold_for(depth)) return samples;
  const Arrays<float> values = seeded_inputs(case_, pass_, options_.seed, Regime::kNormal);
  return samples_.emplace_back(depth, sample_truth(reference_, case_, pass_, values, depth, options_));
}

// Every part must pass by itself: elements of one that are undecided are not made up for by those of others.
Verdict SampledTruth::compare_parts(std::span<const KernelPart> parts) const {
  SampleOptions options = options_;
  options.seconds /= static_cast<double>(parts.size());
  Verdict worst;
  Index compared = 0;
  for (const KernelPart& part : parts) {
    const Reference& reference = reference_.layers->at(part.c.spec->name);
    const double depth = depth_for_masses(part.c, part.pass, *part.implementation);
    Comparison comparison(part.c);
    compare_samples(sample_truth(reference, part.c, part.pass, read_by(part), depth, options), part.c, part.pass,
                    *part.implementation, part.arguments,
                    fmt::format("sampled, {} {}", part.c.to_text(), part.pass.to_text()), comparison);
    const Verdict verdict = comparison.verdict();
    if (!verdict.passed()) return verdict;
    compared += verdict.compared;
    if (!(verdict.worst <= worst.worst)) worst = verdict;
  }
  worst.compared = compared;
  return worst;
}

Verdict SampledTruth::compare_whole(const Execution& execution, const Implementation& implementation) {
  Comparison comparison(case_);
  compare_samples(samples_for(depth_for_masses(case_, pass_, implementation)).elements, case_, pass_, implementation,
                  execution.refs(), "sampled", comparison);
  return comparison.verdict();
}

Verdict SampledTruth::compare(Execution& execution, const Implementation& implementation) {
  const std::vector<KernelPart> parts = execution.kernel().parts();
  const bool in_parts = reference_.layers != nullptr && !parts.empty();
  Verdict verdict = in_parts ? compare_parts(parts) : compare_whole(execution, implementation);
  if (const auto broken = in_parts ? broken_chain(execution, parts) : std::nullopt) verdict = damaged(verdict, *broken);
  if (const auto damage = execution.damage()) verdict = damaged(verdict, *damage);
  verdict.isa = execution.kernel().isa();
  return verdict;
}

Verdict check_large(const Reference& reference, const Case& c, const Pass& pass, const Implementation& implementation,
                    const SampleOptions& options, int threads) {
  if (const auto reason = unsupported_reason(implementation, c, pass)) return Verdict::skip(*reason);
  Execution execution(c, pass, implementation, seeded_inputs(c, pass, options.seed, Regime::kNormal),
                      {.threads = threads});
  execution.run();
  return SampledTruth(reference, c, pass, options).compare(execution, implementation);
}

Oracle large_oracle() {
  return {
      .name = "large",
      .question = "does the implementation agree with the reference on sampled elements, at any size, on two threads?",
      .asked_of = "every pass",
      .applies = any_pass,
      .sizes = Oracle::Sizes::kLarge,
      .run = [](const Subject& s) {
        return check_large(*s.reference, s.c, s.pass, *s.implementation, {.seed = s.seed}, 2);
      }};
}

}  // namespace gradproof
