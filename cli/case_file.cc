#include "cli/case_file.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "ops/core/error.h"

namespace gradproof {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line.substr(0, line.find('#')));
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::uint64_t seed_of(const std::string& word) {
  constexpr std::string_view kKey = "seed=";
  std::uint64_t seed = 0;
  const char* end = word.data() + word.size();
  if (!word.starts_with(kKey)) refuse("'{}' is not seed=N", word);
  const auto [stop, error] = std::from_chars(word.data() + kKey.size(), end, seed);
  if (error != std::errc() || stop != end) refuse("'{}' is not seed=N with a whole number", word);
  return seed;
}

KeptCase kept_case(const Registry& registry, const std::vector<std::string>& words) {
  if (words.size() > 2) refuse("a line must be a case and at most a seed, as in \"relu:mb=1,c=2,i=4  seed=7\"");
  return {registry.parse_case(words[0]).to_text(), words.size() == 2 ? seed_of(words[1]) : 1};
}

}  // namespace

std::vector<KeptCase> parse_cases(const Registry& registry, const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  std::vector<KeptCase> cases;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) continue;
    try {
      cases.push_back(kept_case(registry, words));
    } catch (const UsageError& error) {
      refuse("{}:{}: {}", name, number, error.what());
    }
  }
  return cases;
}

std::vector<KeptCase> read_cases(const Registry& registry, const std::filesystem::path& path) {
  std::error_code ignored;
  std::ifstream stream(path, std::ios::binary);
  if (!stream || std::filesystem::is_directory(path, ignored))
    refuse("'{}' is no readable file; name a file of cases, one a line", path.string());
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::vector<KeptCase> cases = parse_cases(registry, text, path.string());
  if (cases.empty()) refuse("'{}' holds no case; write one a line, for instance relu:mb=1,c=2,i=4", path.string());
  return cases;
}

std::string case_line(const KeptCase& kept, std::string_view why) {
  std::string told(why);
  std::replace(told.begin(), told.end(), '\n', ' ');
  return fmt::format("{}  seed={}  # {}\n", kept.text, kept.seed, told);
}

}  // namespace gradproof
