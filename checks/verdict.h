// Verdict: what an oracle found. It fails closed.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "checks/plot.h"
#include "ops/core/shape.h"

namespace gradproof {

struct Verdict {
  enum class Status { kPass, kFail, kSkip };

  Status status = Status::kFail;
  Index compared = 0;                                       // elements that were compared; a pass needs at least one
  double worst = std::numeric_limits<double>::quiet_NaN();  // error / bound of the worst element; 0 / 0 counts as 0
  double error = std::numeric_limits<double>::quiet_NaN();  // of the worst element, absolute
  double bound = std::numeric_limits<double>::quiet_NaN();  // what the error may be there
  // Largest |error| in units of the last place of the expected float32, over the elements whose sign the bound leaves
  // certain; NaN without any.
  double ulps = std::numeric_limits<double>::quiet_NaN();
  std::string where;     // the worst element, the data it was found with, and where the failing elements lie
  std::string expected;  // text, since a NaN or an infinity may be right
  std::string got;
  std::optional<double> digits;  // decimal digits to which the worst element agrees, where the oracle measures them
  std::string isa;               // the instruction set that ran, where an implementation ran
  std::string reason;            // why it was skipped, or failed without a comparison; or what a pass has found
  Plot plot{};

  bool passed() const { return status == Status::kPass; }
  bool failed() const { return status == Status::kFail; }
  bool skipped() const { return status == Status::kSkip; }

  static Verdict skip(std::string why);
  static Verdict fail(std::string why);
};

// "pass", "fail", "skip".
const char* status_text(Verdict::Status status);

}  // namespace gradproof
