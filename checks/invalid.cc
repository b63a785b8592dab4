// invalid: are bad attributes refused, with a reason that names them?
#include "checks/oracle.h"

namespace gradproof {
namespace {

// The subject's case carries the Spec only; what is asked is every invalid case that it lists.
Verdict check_invalid(const Subject& subject) {
  Verdict verdict;
  const auto fail = [&](const InvalidCase& invalid, std::string got) {
    verdict.where = fmt::format("{}:{}", subject.spec().name, invalid.text);
    verdict.expected = fmt::format("a refusal that mentions \"{}\"", invalid.mentions);
    verdict.got = std::move(got);
    return verdict;
  };
  for (const InvalidCase& invalid : subject.spec().invalid_cases) {
    ++verdict.compared;
    try {
      make_case(subject.spec(), invalid.text);
      return fail(invalid, "accepted");
    } catch (const UsageError& error) {
      if (std::string_view(error.what()).find(invalid.mentions) == std::string_view::npos)
        return fail(invalid, error.what());
    }
  }
  if (verdict.compared == 0) return Verdict::fail("the Spec lists no invalid cases");
  verdict.worst = verdict.error = verdict.bound = 0;
  verdict.status = Verdict::Status::kPass;
  return verdict;
}

}  // namespace

Oracle invalid_oracle() {
  return {.name = "invalid",
          .question = "are bad attributes and shapes refused, with a reason that names them?",
          .asked_of = "the bad cases that an operation lists",
          .asks = Oracle::Asks::kSpec,
          .applies = any_pass,
          .run = check_invalid};
}

}  // namespace gradproof
