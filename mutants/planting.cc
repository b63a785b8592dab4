#include "mutants/planting.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace gradproof {
namespace {

struct Range {
  size_t first, last;  // [first, last)
};

struct Site {
  Range range;
  Numbered planted;
};

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Where the pattern ends if it begins at `at`; nothing if it does not.
std::optional<size_t> end_of_match(std::string_view text, size_t at, std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++at) {
    if (at >= text.size()) return {};
    if (is_blank(pattern[i])) {
      if (!is_blank(text[at])) return {};
      while (at + 1 < text.size() && is_blank(text[at + 1])) ++at;
      while (i < pattern.size() && is_blank(pattern[i])) ++i;
    } else if (text[at] != pattern[i++]) {
      return {};
    }
  }
  return at;
}

std::optional<Range> find(std::string_view text, size_t from, std::string_view pattern) {
  for (size_t at = from; at < text.size(); ++at)
    if (const auto end = end_of_match(text, at, pattern)) return Range{at, *end};
  return {};
}

[[noreturn]] void refuse(const PlantedBug& bug, const std::string& why) {
  throw CatalogueError("catalogue line " + std::to_string(bug.line) + ": " + bug.id + " " + why + ".");
}

// A text that is in the file exactly once.
Range find_once(std::string_view source, const PlantedBug& bug, const std::string& text) {
  const auto first = find(source, 0, text);
  if (!first) refuse(bug, "does not match " + bug.file + ", which has no '" + text + "'");
  if (find(source, first->first + 1, text))
    refuse(bug, "matches " + bug.file + " more than once; name with 'after' something unique before '" + text + "'");
  return *first;
}

Range range_at(std::string_view source, const PlantedBug& bug) {
  size_t at = 0;
  for (int line = 1; line < bug.place.line && at != std::string_view::npos; ++line) at = source.find('\n', at) + 1;
  at += static_cast<size_t>(bug.place.column) - 1;
  const auto end = end_of_match(source, at, bug.original);
  if (!end) refuse(bug, "does not match " + bug.file + ", which has no '" + bug.original + "' at its place");
  return {at, *end};
}

Range place_of(std::string_view source, const PlantedBug& bug) {
  if (bug.place.line > 0) return range_at(source, bug);
  if (bug.anchor.empty()) return find_once(source, bug, bug.original);
  const Range anchor = find_once(source, bug, bug.anchor);
  const auto range = find(source, anchor.first, bug.original);
  if (!range) refuse(bug, "does not match " + bug.file + ", which has no '" + bug.original + "' after its anchor");
  return *range;
}

bool is_statement(const PlantedBug& bug) { return bug.original.back() == ';'; }

std::string switched(const Numbered& planted, const std::string& original) {
  const std::string asked = "gradproof_mutant(" + std::to_string(planted.number) + ")";
  const std::string& mutated = planted.bug->mutated;
  if (is_statement(*planted.bug)) return "if (" + asked + ") { " + mutated + " } else { " + original + " }";
  return "(" + asked + " ? (" + mutated + ") : (" + original + "))";
}

// Sites in the order of the file, the longer first where they begin together.
class Planter {
 public:
  Planter(std::string_view source, const std::vector<Numbered>& bugs) : source_(source) {
    for (const Numbered& bug : bugs) sites_.push_back({place_of(source, *bug.bug), bug});
    std::stable_sort(sites_.begin(), sites_.end(), [](const Site& a, const Site& b) {
      return a.range.first != b.range.first ? a.range.first < b.range.first : a.range.last > b.range.last;
    });
  }

  std::string plant() { return plant_within({0, source_.size()}); }

 private:
  // Sites that lie within others are planted in what is original there.
  std::string plant_within(const Range& range) {
    std::string text;
    size_t at = range.first;
    while (next_ < sites_.size() && sites_[next_].range.first < range.last) {
      const Site& site = sites_[next_++];
      if (site.range.last > range.last) refuse(*site.planted.bug, "overlaps another entry; let one hold the other");
      text += source_.substr(at, site.range.first - at);
      text += switched(site.planted, plant_within(site.range));
      at = site.range.last;
    }
    return text += source_.substr(at, range.last - at);
  }

  std::string_view source_;
  std::vector<Site> sites_;
  size_t next_ = 0;
};

}  // namespace

std::string planted(std::string_view source, const std::vector<Numbered>& bugs) {
  return Planter(source, bugs).plant();
}

}  // namespace gradproof
