#include "mutants/catalogue.h"

#include <algorithm>
#include <set>
#include <sstream>

namespace gradproof {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : stream_(std::string(text)), name_(name) {}

  std::vector<PlantedBug> read() {
    for (std::string line; std::getline(stream_, line);) {
      ++number_;
      if (const std::string content = trimmed(line); content.empty() || line.front() == '#') continue;
      if (kBlanks.find(line.front()) == std::string_view::npos)
        begin(trimmed(line));
      else
        add(trimmed(line));
    }
    finish();
    return std::move(bugs_);
  }

 private:
  void begin(const std::string& id) {
    finish();
    if (id.find('.') == std::string::npos || words_of(id).size() != 1)
      refuse(id, "is no name; write family.what-is-wrong at the beginning of a line, and indent what belongs to it");
    if (!ids_.insert(id).second) refuse(id, "is there twice; give one of them another name");
    bugs_.emplace_back();
    bugs_.back().id = id;
    bugs_.back().line = number_;
  }

  void add(const std::string& content) {
    if (bugs_.empty()) refuse(content, "belongs to no entry; begin one with its name");
    PlantedBug& bug = bugs_.back();
    const std::string key = content.substr(0, content.find_first_of(kBlanks));
    const std::string value = trimmed(std::string_view(content).substr(key.size()));
    if (key == "file") return set(bug, key, bug.file, value);
    if (key == "wrong") return set(bug, key, bug.wrong, value);
    if (key == "after") return set(bug, key, bug.anchor, value);
    if (key == "at") return read_place(bug, value);
    if (key == "asks") return void(bug.patterns = words_of(value));
    if (key == "-") return extend(bug.original, value);
    if (key == "+") return extend(bug.mutated, value);
    refuse(bug.id, "has a line '" + key + "', which means nothing; there are file, asks, wrong, after, at, - and +");
  }

  void set(const PlantedBug& bug, const std::string& key, std::string& field, const std::string& value) const {
    if (!field.empty()) refuse(bug.id, "says '" + key + "' twice; once is enough");
    field = value;
  }

  void read_place(PlantedBug& bug, const std::string& value) const {
    char colon = 0;
    std::istringstream stream(value);
    if (!(stream >> bug.place.line >> colon >> bug.place.column) || colon != ':' || bug.place.line < 1)
      refuse(bug.id, "has 'at " + value + "'; write a line and a column, such as at 12:7");
  }

  static void extend(std::string& text, const std::string& line) {
    if (!text.empty() && !line.empty()) text += ' ';
    text += line;
  }

  // The entry that has been read is complete.
  void finish() const {
    if (bugs_.empty()) return;
    const PlantedBug& bug = bugs_.back();
    for (const auto& [key, missing] : {std::pair{"file", bug.file.empty()}, std::pair{"asks", bug.patterns.empty()},
                                       std::pair{"wrong", bug.wrong.empty()}, std::pair{"-", bug.original.empty()}})
      if (missing) refuse(bug.id, std::string("has no line '") + key + "'; add it");
    if (bug.original == bug.mutated) refuse(bug.id, "changes nothing: what it plants is what is there");
    if (bug.mutated.empty() && bug.original.back() != ';')
      refuse(bug.id, "leaves nothing of an expression; only a statement, which ends with ';', can be left out");
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& why) const {
    throw CatalogueError(name_ + ":" + std::to_string(number_) + ": " + what + " " + why + ".");
  }

  std::istringstream stream_;
  const std::string& name_;
  std::vector<PlantedBug> bugs_;
  std::set<std::string> ids_;
  int number_ = 0;
};

}  // namespace

std::string to_text(const PlantedBug& bug) {
  std::string text = bug.id + "\n  file " + bug.file + "\n  asks";
  for (const std::string& pattern : bug.patterns) text += " " + pattern;
  text += "\n  wrong " + bug.wrong + "\n";
  if (!bug.anchor.empty()) text += "  after " + bug.anchor + "\n";
  if (bug.place.line > 0)
    text += "  at " + std::to_string(bug.place.line) + ":" + std::to_string(bug.place.column) + "\n";
  return text + "  - " + bug.original + "\n  + " + bug.mutated + "\n";
}

std::vector<PlantedBug> parse_catalogue(std::string_view text, const std::string& name) {
  return Reader(text, name).read();
}

}  // namespace gradproof
