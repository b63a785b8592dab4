// Exactness: how near to the truth every pass comes, against a reviewed file
// (docs/decisions/0021-exactness-baseline.md).
#pragma once

#include <compare>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reports/records.h"

namespace gradproof {

inline constexpr int kExactnessSchema = 1;

struct ExactnessKey {
  std::string op, case_text, pass, isa;  // the case text begins with "op:"

  auto operator<=>(const ExactnessKey&) const = default;
};

// Held as it is printed, to three significant digits: what cannot be told apart on paper is not told apart.
struct Exactness {
  double worst = 0;            // largest error / bound; infinity where a check failed, whatever its number says
  std::optional<double> ulps;  // largest error in units of the last place; absent where no digit was certain

  bool operator==(const Exactness&) const = default;
};

using ExactnessValues = std::map<ExactnessKey, Exactness>;

// Values of another tier or seed come of other data, and say nothing about each other.
struct ExactnessScope {
  std::string tier = "smoke", seed = "1";

  bool operator==(const ExactnessScope&) const = default;
};

struct Blessing {
  std::string date, reason;  // 2026-11-27

  bool operator==(const Blessing&) const = default;
};

struct ExactnessFile {
  ExactnessScope scope;
  std::vector<Blessing> blessings;  // oldest first
  ExactnessValues values;

  bool operator==(const ExactnessFile&) const = default;
};

// What one run says.
struct ExactnessRun {
  ExactnessScope scope;
  std::set<std::string> isas;   // those that the binary holds and the processor has
  std::set<std::string> ops{};  // that were asked for; empty: all. The caller says so
  ExactnessValues values;

  // Whether a key was asked for and could be answered here.
  bool covers(const ExactnessKey& key) const;
};

// Throws UsageError "name:line: ..." for text that is malformed, or of another schema or scope.
ExactnessFile parse_exactness(std::string_view text, const std::string& name, const ExactnessScope& scope);
ExactnessFile read_exactness(const std::filesystem::path& path, const ExactnessScope& scope);

// Sorted, one line a key; parse_exactness() reads it back.
std::string exactness_text(const ExactnessFile& file);

// From the checks `forward` and `vjp` of our implementations forced to an instruction set (simd@avx2); other records
// are passed over, of several checks of a key the worst counts. Throws UsageError where there is none of them, where
// they mix seeds or come of other tiers than smoke and full, and where no environment says what could run.
ExactnessRun exactness_of(const Records& records);

struct ExactnessChange {
  enum class Kind {
    kWorse,   // by either number, or beyond the bound
    kBetter,  // by one, and no worse by the other
    kNew,     // not in the file
    kGone     // in the file, and could have run, but did not
  };

  ExactnessKey key;
  Kind kind = Kind::kWorse;
  std::optional<Exactness> before, after;

  // Worse or gone: what a gate does not let pass.
  bool is_loss() const { return kind == Kind::kWorse || kind == Kind::kGone; }
};

// "worse", "better", "new", "gone".
const char* name_of(ExactnessChange::Kind kind);

struct ExactnessComparison {
  std::vector<ExactnessChange> changes;  // in the order of their keys
  std::size_t compared = 0;              // keys that both sides have
  std::map<std::string, std::size_t>
      not_run;  // lines of the file by instruction sets that could not run here; they did not hold

  std::size_t count(ExactnessChange::Kind kind) const;
  // Something was compared, and nothing is worse or gone.
  bool held() const;
};

// Throws UsageError where the scopes differ.
ExactnessComparison compare_exactness(const ExactnessFile& baseline, const ExactnessRun& now);

// The run's values in place of the file's; lines that the run does not cover stay as they are. Throws UsageError
// without a reason, for a reason of more than one line, for a date that is not one, for another scope, and where a
// check failed: what exceeds its bound cannot be blessed.
ExactnessFile bless_exactness(const ExactnessFile& old, const ExactnessRun& now, const std::string& reason,
                              const std::string& date);

// "worse: conv:mb=1,... forward AVX2, error / bound 0.12 -> 0.31, ulps 2.5 -> 7".
std::string change_text(const ExactnessChange& change);

// A number as the file shows it; "-" where there is none.
std::string exactness_number(const std::optional<double>& value);

}  // namespace gradproof
