// Oracle: one question about an operation, and how it is answered.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "checks/subject.h"
#include "checks/verdict.h"
#include "ops/core/record.h"

namespace gradproof {

struct Oracle {
  // Whom the question is put to: it decides how often it is asked.
  enum class Asks {
    kReference,       // once for each case and pass
    kImplementation,  // once for each case, pass and implementation
    kSpec,            // once for each invalid case that the Spec lists
    kProperties       // once for each property of the operations chosen
  };

  // Of which cases it is asked: where the reference is evaluated everywhere only of small ones, see is_small().
  enum class Sizes {
    kSmall,
    kFewRows,  // and of larger ones whose Jacobian has few rows, as a network's
    kLarge,    // it samples: small ones only where it is asked for by name
    kAny       // threads share the work of large ones
  };

  std::string name;
  std::string question;    // one line, for lists and reports
  std::string asked_of{};  // one line: of what; `sizes` says in which cases. Reports explain by it what was not asked
  Asks asks = Asks::kImplementation;
  // Whether the question makes sense for a pass of a case. Where it does not, there is no check at all: a skip is
  // something that should have run and did not.
  std::function<bool(const Case&, const Pass&)> applies;
  Sizes sizes = Sizes::kSmall;
  std::function<Verdict(const Subject&)> run;
};

// In the order in which they are asked: first whether the truth is true, then whether implementations agree with it.
std::vector<Oracle> all_oracles();

Oracle fd_oracle();
Oracle fd50_oracle();
Oracle adjoint_oracle();
Oracle second_oracle();
Oracle forward_oracle();
Oracle vjp_oracle();
Oracle fd_direct_oracle();
Oracle exact_oracle();
Oracle kink_oracle();
Oracle special_oracle();
Oracle determinism_oracle();
Oracle memory_oracle();
Oracle invalid_oracle();
Oracle large_oracle();
Oracle property_oracle();

// How kink begins where its inputs, which do not look at the attributes, met none. Of a listed case that is a failure.
inline constexpr std::string_view kNothingOnAKink = "no output came to lie on a kink";

// Whether oracles that evaluate the reference everywhere can be asked: each pass then takes seconds at most, and the
// sparsity of a Jacobian, n^2 bits for n elements, tens of megabytes.
bool is_small(const Case& c);
// Whether differences of single columns are as cheap as for small cases, and the Jacobian's sparsity as small.
bool has_few_rows(const Case& c);

// Whether this case has a size that the oracle can be asked of.
bool is_size_for(const Oracle& oracle, const Case& c);

// "oracle" record of the schema.
Record oracle_record(const Oracle& oracle);

// For Oracle::applies.
inline bool any_pass(const Case&, const Pass&) { return true; }
inline bool is_forward_pass(const Case&, const Pass& pass) { return pass.is_forward(); }
inline bool is_vjp_pass(const Case&, const Pass& pass) { return !pass.is_forward(); }
inline bool is_single_vjp_pass(const Case&, const Pass& pass) { return !pass.is_forward() && !pass.slot.empty(); }

}  // namespace gradproof
