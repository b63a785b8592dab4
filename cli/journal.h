// The records of a run as they come in: kept, and shown as far as somebody should see them at once.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/console.h"
#include "ops/core/record.h"
#include "reports/records.h"

namespace gradproof {

class Journal {
 public:
  explicit Journal(Console& console) : console_(console) {}

  // Failures are shown at once; timings too where no table will follow (in a pipe).
  void add(const Record& record);

  // JSON Lines, one record each.
  const std::string& lines() const { return lines_; }
  Records records() const;

 private:
  Console& console_;
  std::string lines_;
};

// 0 when something was checked or measured and everything held. 1 when a check failed or a timing was withheld because
// its verification failed; what peers fail is a finding about them. Throws UsageError with the first reason when
// nothing was checked and nothing measured.
ExitCode judge(const Records& records);

}  // namespace gradproof
