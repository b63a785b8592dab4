// The reviewed file: a head, a line for each blessing, and a line for each key.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

#include "gate/exact/exactness.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

constexpr std::string_view kTitle = "gradproof exactness, schema ";
constexpr std::string_view kBlessed = "blessed ";
constexpr std::string_view kLegend =
    "# What forward and vjp found on fixed data, by case, pass and instruction set: the largest error / bound, and "
    "the\n"
    "# largest error in units of the last place (- where no digit is certain). `gradproof gate --bless --reason` "
    "writes\n"
    "# this file; it is sorted, and a difference of it is reviewed like code.\n";

struct BadLine {
  std::string sentence;
};

template <class... Args>
[[noreturn]] void bad_line(fmt::format_string<Args...> text, Args&&... args) {
  throw BadLine{fmt::format(text, std::forward<Args>(args)...)};
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// Only what exactness_number() would print, so that no digit is hidden in the file.
double number_of(std::string_view word, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool is_number = error == std::errc() && end == word.data() + word.size() && value >= 0 && value <= most;
  if (!is_number || exactness_number(value) != word)
    bad_line("'{}' must be a number from 0{} with three significant digits at most", word, most > 1 ? "" : " to 1");
  return value;
}

bool is_pass_text(std::string_view word) {
  return word == "forward" || word == "vjp" || (word.starts_with("vjp:") && word.size() > 4);
}

bool is_isa_text(std::string_view word) {
  return !word.empty() && word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

class ExactnessReader {
 public:
  explicit ExactnessReader(const ExactnessScope& scope) { file_.scope = scope; }

  void take(std::string_view line) {
    if (line.starts_with('#')) return;
    if (step_ == Step::kTitleLine) return take_title(line);
    if (step_ == Step::kScopeLine) return take_scope(line);
    if (line.starts_with(kBlessed) && file_.values.empty()) return take_blessing(line.substr(kBlessed.size()));
    take_value(line);
  }

  ExactnessFile finish() {
    if (step_ != Step::kValueLines) bad_line("the file ends within its head");
    return std::move(file_);
  }

 private:
  enum class Step { kTitleLine, kScopeLine, kValueLines };

  void take_title(std::string_view line) {
    if (!line.starts_with(kTitle)) bad_line("this is no exactness file; it must begin with '{}'", kTitle);
    if (line.substr(kTitle.size()) != std::to_string(kExactnessSchema))
      bad_line("schema {} is not known here; this gradproof reads schema {}", line.substr(kTitle.size()),
               kExactnessSchema);
    step_ = Step::kScopeLine;
  }

  void take_scope(std::string_view line) {
    const std::string wanted = fmt::format("tier {}, seed {}", file_.scope.tier, file_.scope.seed);
    if (line != wanted) bad_line("'{}' must be '{}', which is what is checked", line, wanted);
    step_ = Step::kValueLines;
  }

  void take_blessing(std::string_view rest) {
    constexpr std::size_t kDate = 10;
    if (rest.size() < kDate + 3 || rest.substr(kDate, 2) != ": ")
      bad_line("a blessing is 'blessed 2026-11-27: why', not 'blessed {}'", rest);
    file_.blessings.push_back({std::string(rest.substr(0, kDate)), std::string(rest.substr(kDate + 2))});
  }

  void take_value(std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() != 5) bad_line("'{}' must be five words: case, pass, instruction set, error / bound, ulps", line);
    const std::size_t colon = words[0].find(':');
    if (colon == 0 || colon == std::string_view::npos) bad_line("'{}' is no case; it must be op:attributes", words[0]);
    if (!is_pass_text(words[1])) bad_line("'{}' must be forward, vjp or vjp:<slot>", words[1]);
    if (!is_isa_text(words[2])) bad_line("'{}' must be an instruction set like AVX2", words[2]);
    ExactnessKey key{std::string(words[0].substr(0, colon)), std::string(words[0]), std::string(words[1]),
                     std::string(words[2])};
    if (!file_.values.empty() && !(file_.values.rbegin()->first < key))
      bad_line("'{} {} {}' stands twice or out of order", words[0], words[1], words[2]);
    Exactness value{number_of(words[3], 1), std::nullopt};
    if (words[4] != "-") value.ulps = number_of(words[4], std::numeric_limits<double>::max());
    file_.values.emplace_hint(file_.values.end(), std::move(key), value);
  }

  ExactnessFile file_;
  Step step_ = Step::kTitleLine;
};

}  // namespace

ExactnessFile parse_exactness(std::string_view text, const std::string& name, const ExactnessScope& scope) {
  ExactnessReader reader(scope);
  std::size_t number = 0;
  try {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      ++number;
      if (end == std::string_view::npos) bad_line("the last line is cut off: it has no line break");
      reader.take(text.substr(at, end - at));
      at = end + 1;
    }
    return reader.finish();
  } catch (const BadLine& bad) {
    refuse("{}:{}: {}", name, std::max<std::size_t>(number, 1), bad.sentence);
  }
}

ExactnessFile read_exactness(const std::filesystem::path& path, const ExactnessScope& scope) {
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse("{}: there is no exactness baseline that can be read", path.string());
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return parse_exactness(text, path.string(), scope);
}

std::string exactness_text(const ExactnessFile& file) {
  std::string text =
      fmt::format("{}{}\ntier {}, seed {}\n", kTitle, kExactnessSchema, file.scope.tier, file.scope.seed);
  for (const Blessing& blessing : file.blessings)
    text += fmt::format("{}{}: {}\n", kBlessed, blessing.date, blessing.reason);
  text += kLegend;
  for (const auto& [key, value] : file.values)
    text += fmt::format("{} {} {} {} {}\n", key.case_text, key.pass, key.isa, exactness_number(value.worst),
                        exactness_number(value.ulps));
  return text;
}

}  // namespace gradproof
