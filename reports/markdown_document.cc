#include "reports/markdown_document.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"

namespace gradproof {
namespace {

// A review comment holds 65,536 characters; bytes are counted here, which are never fewer.
constexpr std::size_t kMostBytes = 59000;
constexpr std::size_t kMostProse = 160;
constexpr std::size_t kMostCode = 400;

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t cut = most;
  while ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // never inside a UTF-8 character
  return text.substr(0, cut) + "…";
}

// What a table that is cut off says takes at most this.
constexpr std::size_t kNote = 120;

}  // namespace

std::string short_text(const std::string& text) {
  return text.empty() ? "–" : escape_markdown(shortened(text, kMostProse));
}

std::string short_code(const std::string& text) { return markdown_code(shortened(text, kMostCode)); }

void MarkdownDocument::paragraph(const std::string& text) {
  if (fits(text.size() + 2)) out_ += text + "\n\n";
}

void MarkdownDocument::table(const std::string& title, const std::string& head, const std::vector<std::string>& rows,
                             std::size_t budget) {
  if (rows.empty()) return;
  const auto columns = static_cast<std::size_t>(std::count(head.begin(), head.end(), '|')) - 1;
  std::string text = "## " + title + "\n\n" + head + "\n|";
  for (std::size_t i = 0; i < columns; ++i) text += " --- |";
  text += '\n';
  std::size_t shown = 0;
  for (const std::string& row : rows) {
    const std::size_t size = text.size() + row.size() + 1;
    if (size > budget || !fits(size + kNote)) break;
    text += row + '\n';
    ++shown;
  }
  if (shown < rows.size())
    text += fmt::format("\n{} more left out here; the HTML report and the records have them.\n", rows.size() - shown);
  if (fits(text.size() + 1)) out_ += text + '\n';
}

bool MarkdownDocument::fits(std::size_t size) const { return out_.size() + size <= kMostBytes; }

void add_environments(const Summary& summary, MarkdownDocument& document) {
  for (const Environment& e : summary.environments) {
    document.paragraph(fmt::format("{}; {}; {}; commit {}; {}", short_text(e.processor), short_text(e.isa),
                                   short_text(e.compiler), short_text(e.commit), short_text(e.time)));
  }
}

}  // namespace gradproof
