#include "mutants/mechanical.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace gradproof {
namespace {

struct Exchange {
  std::string_view from, to;
};

// As clang-format writes them: binary operators between blanks, which tells them from signs, pointers and brackets of
// templates.
constexpr std::array<Exchange, 12> kOperators = {{{" + ", " - "},
                                                  {" - ", " + "},
                                                  {" * ", " + "},
                                                  {" / ", " * "},
                                                  {" < ", " <= "},
                                                  {" <= ", " < "},
                                                  {" > ", " >= "},
                                                  {" >= ", " > "},
                                                  {" == ", " != "},
                                                  {" != ", " == "},
                                                  {" && ", " || "},
                                                  {" || ", " && "}}};
constexpr std::array<Exchange, 18> kCalls = {{{"hn::Add(", "hn::Sub("},
                                              {"hn::Sub(", "hn::Add("},
                                              {"hn::Mul(", "hn::Add("},
                                              {"hn::Div(", "hn::Mul("},
                                              {"hn::MulAdd(", "hn::NegMulAdd("},
                                              {"hn::NegMulAdd(", "hn::MulAdd("},
                                              {"hn::Lt(", "hn::Le("},
                                              {"hn::Le(", "hn::Lt("},
                                              {"hn::Gt(", "hn::Ge("},
                                              {"hn::Ge(", "hn::Gt("},
                                              {"hn::Eq(", "hn::Ne("},
                                              {"hn::Min(", "hn::Max("},
                                              {"hn::Max(", "hn::Min("},
                                              {"hn::And(", "hn::Or("},
                                              {"hn::Or(", "hn::And("},
                                              {"hn::IfThenElseZero(", "hn::IfThenZeroElse("},
                                              {"std::min(", "std::max("},
                                              {"std::max(", "std::min("}}};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The source with comments, texts and preprocessor lines made of '#', as long as it was.
std::string bare_code(std::string_view source) {
  std::string code(source);
  const auto blank = [&](size_t first, size_t last) {
    for (size_t i = first; i < std::min(last, code.size()); ++i)
      if (code[i] != '\n') code[i] = '#';
    return last;
  };
  const auto end_of_text = [&](size_t at) {
    const char quote = source[at++];
    while (at < source.size() && source[at] != quote) at += source[at] == '\\' ? 2 : 1;
    return at + 1;
  };
  bool begins_line = true;
  for (size_t at = 0; at < source.size();) {
    const char c = source[at];
    const bool digit_before = at > 0 && is_word(source[at - 1]);
    if (source.substr(at, 2) == "//" || (c == '#' && begins_line))
      at = blank(at, std::min(source.find('\n', at), source.size()));
    else if (c == '"' || (c == '\'' && !digit_before))
      at = blank(at, end_of_text(at));
    else
      ++at;
    begins_line = c == '\n' || (begins_line && std::isspace(static_cast<unsigned char>(c)) != 0);
  }
  return code;
}

bool opens(char c) { return c == '(' || c == '[' || c == '{'; }
bool closes(char c) { return c == ')' || c == ']' || c == '}'; }

// What binds less than anything that is exchanged, and ends an expression.
bool ends_expression(const std::string& code, size_t at) {
  const char c = code[at];
  if (c == ',' || c == ';' || c == '?') return true;
  if (c == ':') return code[at - 1] != ':' && code[at + 1] != ':';
  if (c != '=') return false;
  const std::string_view before = "=<>!";
  return code[at + 1] != '=' && before.find(code[at - 1]) == std::string_view::npos;
}

// Whether a logical operator there separates what the exchange is about from what it is not.
bool is_logical_border(const std::string& code, size_t at, std::string_view exchanged) {
  const std::string_view found = std::string_view(code).substr(at, 4);
  if (found == " || ") return exchanged != " || ";
  return found == " && " && exchanged != " && " && exchanged != " || ";
}

struct Range {
  size_t first, last;
};

// The whole expression around [first, last): what stands there can stand in brackets.
std::optional<Range> expression_around(const std::string& code, Range inner, std::string_view exchanged) {
  size_t first = inner.first, last = inner.last;
  for (int depth = 0; first > 0; --first) {
    const char c = code[first - 1];
    if (opens(c) && depth-- == 0) break;
    if (closes(c)) ++depth;
    if (depth > 0) continue;
    if (ends_expression(code, first - 1) || is_logical_border(code, first - 1, exchanged)) break;
    if (first >= 7 && code.compare(first - 7, 7, "return ") == 0) break;
  }
  for (int depth = 0; last < code.size(); ++last) {
    const char c = code[last];
    if (closes(c) && depth-- == 0) break;
    if (opens(c)) ++depth;
    if (depth == 0 && (ends_expression(code, last) || is_logical_border(code, last, exchanged))) break;
  }
  // The rest of a border of several characters, and blanks.
  while (first < last && std::string_view("&|= \n").find(code[first]) != std::string_view::npos) ++first;
  while (last > first && std::isspace(static_cast<unsigned char>(code[last - 1])) != 0) --last;
  const std::string_view text = std::string_view(code).substr(first, last - first);
  if (text.empty() || text.find_first_of("#{};") != std::string_view::npos) return {};
  return Range{first, last};
}

std::optional<size_t> end_of_call(const std::string& code, size_t at) {
  int depth = 0;
  for (; at < code.size(); ++at) {
    if (opens(code[at])) ++depth;
    if (closes(code[at]) && --depth == 0) return at + 1;
  }
  return {};
}

// Without blanks at its ends.
std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank || (!line.empty() && line.back() != ' ')) line += blank ? ' ' : c;
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

class Finder {
 public:
  Finder(const std::string& file, std::string_view source) : file_(file), source_(source), code_(bare_code(source)) {}

  std::vector<PlantedBug> find() {
    for (size_t at = 0; at < code_.size(); ++at) {
      if (!is_constant_line(at) && !is_promise(at)) look(at);
    }
    return std::move(mutants_);
  }

 private:
  void look(size_t at) {
    for (const Exchange& exchange : kOperators)
      if (code_.compare(at, exchange.from.size(), exchange.from) == 0) exchange_in(at, exchange);
    for (const Exchange& exchange : kCalls)
      if (code_.compare(at, exchange.from.size(), exchange.from) == 0)
        if (const auto end = end_of_call(code_, at)) add({at, *end}, at, exchange);
    if (std::isdigit(static_cast<unsigned char>(code_[at])) != 0 && !is_word(code_[at - 1]) && code_[at - 1] != '.')
      look_at_number(at);
  }

  void exchange_in(size_t at, const Exchange& exchange) {
    if (const auto range = expression_around(code_, {at, at + exchange.from.size()}, exchange.from))
      add(*range, at, exchange);
  }

  // A whole number that is one more.
  void look_at_number(size_t at) {
    size_t end = at;
    while (end < code_.size() && std::isdigit(static_cast<unsigned char>(code_[end])) != 0) ++end;
    if (end - at > 6 || is_word(code_[end]) || code_[end] == '.') return;
    const std::string number(code_.substr(at, end - at)), next = std::to_string(std::stol(number) + 1);
    if (const auto range = expression_around(code_, {at, end}, "")) add(*range, at, {number, next});
  }

  // Where no switch can stand: what is known while compiling.
  bool is_constant_line(size_t at) const {
    const size_t first = code_.rfind('\n', at) + 1, last = code_.find('\n', at);
    const std::string line = code_.substr(first, last - first);
    constexpr std::array kWords = {"constexpr", "static_assert", "template", "using ", "case ", "enum ", "asm("};
    return std::any_of(kWords.begin(), kWords.end(),
                       [&](const char* word) { return line.find(word) != std::string::npos; });
  }

  // What an implementation says of itself, how many roundings there are or which sizes it takes: the checks go by it
  // and no kernel runs it. Told by the last line that is not indented.
  bool is_promise(size_t at) const {
    size_t first = code_.rfind('\n', at) + 1;
    while (first > 0 && (std::isspace(static_cast<unsigned char>(code_[first])) != 0 || code_[first] == '}'))
      first = first < 2 ? 0 : code_.rfind('\n', first - 2) + 1;
    const std::string line = code_.substr(first, code_.find('\n', first) - first);
    constexpr std::array kPromises = {"_depth(", "unsupported(", "_limit("};
    return line.ends_with('{') && std::any_of(kPromises.begin(), kPromises.end(),
                                              [&](const char* name) { return line.find(name) != std::string::npos; });
  }

  void add(const Range& range, size_t at, const Exchange& exchange) {
    const std::string_view text = source_.substr(range.first, range.last - range.first);
    if (text.find("//") != std::string_view::npos) return;
    std::string mutated(text);
    mutated.replace(at - range.first, exchange.from.size(), exchange.to);
    const auto [line, column] = place_of(at);
    const auto [first_line, first_column] = place_of(range.first);
    PlantedBug bug;
    bug.id = "mechanical." + file_ + ":" + std::to_string(line) + ":" + std::to_string(column);
    bug.file = file_;
    bug.wrong = "'" + on_one_line(exchange.from) + "' is '" + on_one_line(exchange.to) + "'";
    bug.place = {first_line, first_column};
    bug.original = on_one_line(text);
    bug.mutated = on_one_line(mutated);
    mutants_.push_back(std::move(bug));
  }

  std::pair<int, int> place_of(size_t at) const {
    const size_t before = source_.rfind('\n', at == 0 ? 0 : at - 1);
    const size_t first = before == std::string_view::npos ? 0 : before + 1;
    const auto line = std::count(source_.begin(), source_.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
    return {static_cast<int>(line), static_cast<int>(at - first) + 1};
  }

  const std::string& file_;
  std::string_view source_;
  std::string code_;
  std::vector<PlantedBug> mutants_;
};

}  // namespace

std::vector<PlantedBug> mechanical_mutants(const std::string& file, std::string_view source) {
  return Finder(file, source).find();
}

}  // namespace gradproof
