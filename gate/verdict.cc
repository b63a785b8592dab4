#include "gate/verdict.h"

namespace gradproof {

std::string_view name_of(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::kPass:
      return "PASS";
    case GateVerdict::kImproved:
      return "IMPROVED";
    case GateVerdict::kInconclusive:
      return "INCONCLUSIVE";
    case GateVerdict::kLayout:
      return "LAYOUT";
    case GateVerdict::kTrade:
      return "TRADE";
    case GateVerdict::kNotComparable:
      return "NOT_COMPARABLE";
    case GateVerdict::kInvalid:
      return "INVALID";
    case GateVerdict::kLessExact:
      return "LESS_EXACT";
    case GateVerdict::kFail:
      return "FAIL";
    case GateVerdict::kLost:
      return "LOST";
  }
  return "";
}

int exit_code_of(GateVerdict verdict, bool strict) {
  switch (verdict) {
    case GateVerdict::kPass:
    case GateVerdict::kImproved:
    case GateVerdict::kLayout:
      return 0;
    case GateVerdict::kInconclusive:
      return strict ? 20 : 0;
    case GateVerdict::kLost:
      return 1;
    case GateVerdict::kFail:
      return 10;
    case GateVerdict::kLessExact:
      return 11;
    case GateVerdict::kTrade:
      return 12;
    case GateVerdict::kNotComparable:
      return 30;
    case GateVerdict::kInvalid:
      return 40;
  }
  return 70;
}

}  // namespace gradproof
