#include "cli/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace gradproof {
namespace {

constexpr int kBarCells = 24;

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool colour_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && term != nullptr && std::string_view(term) != "dumb";
}

const char* escape_of(Colour colour) {
  switch (colour) {
    case Colour::kPlain:
      return "";
    case Colour::kGood:
      return "\033[32m";
    case Colour::kBad:
      return "\033[31m";
    case Colour::kFaint:
      return "\033[2m";
    case Colour::kStrong:
      return "\033[1m";
  }
  return "";
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::ceil(seconds));
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

bool is_number(std::string_view cell) {
  return !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell[0])) != 0 || cell == "–");
}

std::string cut(std::string_view text, size_t width) {
  size_t bytes = 0;
  for (size_t columns = 0; bytes < text.size(); ++bytes) {
    const bool begins_character = (static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80;
    if (begins_character && columns++ == width) break;
  }
  return std::string(text.substr(0, bytes));
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      i = std::min(text.find('m', i), text.size());
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++width;
    }
  }
  return width;
}

Console::Console()
    : stdout_terminal_(isatty(STDOUT_FILENO) == 1),
      stderr_terminal_(isatty(STDERR_FILENO) == 1),
      colour_(stdout_terminal_ && colour_wanted()),
      width_(terminal_width()) {}

Console::Console(bool stdout_terminal, bool stderr_terminal, bool colour, int width)
    : stdout_terminal_(stdout_terminal), stderr_terminal_(stderr_terminal), colour_(colour), width_(width) {}

Console::~Console() { clear_progress(); }

void Console::line(std::string_view text) {
  clear_progress();
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

std::string Console::paint(Colour colour, std::string_view text) const {
  if (!colour_ || colour == Colour::kPlain) return std::string(text);
  return fmt::format("{}{}\033[0m", escape_of(colour), text);
}

void Console::progress(double fraction, std::string_view what) {
  const Clock::time_point now = Clock::now();
  if (!stderr_terminal_ || now - last_drawn_ < std::chrono::milliseconds(100)) return;
  last_drawn_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  fmt::print(stderr, "\r\033[K{}", progress_text(fraction, elapsed, what, width_ - 1));
  std::fflush(stderr);
  bar_shown_ = true;
}

void Console::clear_progress() {
  if (!bar_shown_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  bar_shown_ = false;
  last_drawn_ = {};
}

std::string progress_text(double fraction, double elapsed, std::string_view what, int width) {
  fraction = std::clamp(fraction, 0.0, 1.0);
  const int full = static_cast<int>(fraction * kBarCells);
  const std::string left = fraction >= 0.02 ? clock_text(elapsed / fraction * (1 - fraction)) + " left" : std::string();
  const std::string text =
      fmt::format("[{}{}] {:3.0f}%  {:>10}  {}", std::string(static_cast<size_t>(full), '#'),
                  std::string(static_cast<size_t>(kBarCells - full), '-'), std::floor(fraction * 100), left, what);
  return cut(text, static_cast<size_t>(std::max(width, 0)));
}

std::vector<std::string> Table::lines(const Console& console) const {
  std::vector<size_t> widths(head.size());
  std::vector<bool> numeric(head.size(), !rows.empty());
  for (size_t column = 0; column < head.size(); ++column) {
    widths[column] = display_width(head[column]);
    for (const auto& row : rows) {
      widths[column] = std::max(widths[column], display_width(row[column]));
      numeric[column] = numeric[column] && is_number(row[column]);
    }
  }
  const auto laid_out = [&](const std::vector<std::string>& row) {
    std::string text;
    for (size_t column = 0; column < head.size(); ++column) {
      const std::string gap(widths[column] - display_width(row[column]), ' ');
      if (column > 0) text += "  ";
      text += numeric[column] ? gap + row[column] : row[column] + gap;
    }
    return text.substr(0, text.find_last_not_of(' ') + 1);
  };
  std::vector<std::string> result{console.paint(Colour::kStrong, laid_out(head))};
  for (const auto& row : rows)
    result.push_back(console.paint(colour_of_row ? colour_of_row(row) : Colour::kPlain, laid_out(row)));
  return result;
}

void print(Console& console, const Table& table) {
  for (const std::string& text : table.lines(console)) console.line(text);
}

}  // namespace gradproof
