#include "checks/verdict.h"

#include <utility>

namespace gradproof {

Verdict Verdict::skip(std::string why) {
  Verdict verdict;
  verdict.status = Status::kSkip;
  verdict.reason = std::move(why);
  return verdict;
}

Verdict Verdict::fail(std::string why) {
  Verdict verdict;
  verdict.reason = std::move(why);
  return verdict;
}

const char* status_text(Verdict::Status status) {
  switch (status) {
    case Verdict::Status::kPass:
      return "pass";
    case Verdict::Status::kSkip:
      return "skip";
    case Verdict::Status::kFail:
      break;
  }
  return "fail";
}

}  // namespace gradproof
