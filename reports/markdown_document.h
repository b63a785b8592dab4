// Markdown that fits into a review comment.
#pragma once

#include <string>
#include <vector>

#include "reports/summary.h"

namespace gradproof {

// Text for a cell or a sentence, cut where it is long.
std::string short_text(const std::string& text);
std::string short_code(const std::string& text);

// Builds the text line by line and never beyond the limit; tables that do not fit say how much they leave out.
class MarkdownDocument {
 public:
  void paragraph(const std::string& text);
  void table(const std::string& title, const std::string& head, const std::vector<std::string>& rows,
             std::size_t budget);
  std::string take() { return std::move(out_); }

 private:
  bool fits(std::size_t size) const;

  std::string out_;
};

void add_environments(const Summary& summary, MarkdownDocument& document);

template <class Row, class Render>
std::vector<std::string> rendered_lines(const std::vector<Row>& rows, Render render) {
  std::vector<std::string> out;
  out.reserve(rows.size());
  for (const Row& row : rows) out.push_back(render(row));
  return out;
}

}  // namespace gradproof
