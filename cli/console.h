// The terminal: colour, a progress bar and tables where somebody is looking, plain lines where not.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace gradproof {

enum class Colour { kPlain, kGood, kBad, kFaint, kStrong };

// Results go to stdout, the progress bar to stderr, so that redirecting one leaves the other alone.
class Console {
 public:
  // Looks at both streams; NO_COLOR (no-color.org) and TERM=dumb turn colour off.
  Console();
  // For tests: as if the streams were terminals of this width, or not.
  Console(bool stdout_terminal, bool stderr_terminal, bool colour, int width);
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  ~Console();

  // One line on stdout. The progress bar makes way for it.
  void line(std::string_view text);
  std::string paint(Colour colour, std::string_view text) const;

  // Redraws the progress bar at most ten times a second; nothing when stderr is no terminal. `fraction` in [0, 1].
  void progress(double fraction, std::string_view what);
  void clear_progress();

  bool on_terminal() const { return stdout_terminal_; }

 private:
  using Clock = std::chrono::steady_clock;

  bool stdout_terminal_;
  bool stderr_terminal_;
  bool colour_;
  int width_;
  bool bar_shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_drawn_{};
};

// "[#####-----]  50%  0:12 left  conv forward", cut to `width` columns. `elapsed` in seconds. Until a fiftieth is done
// no time is told.
std::string progress_text(double fraction, double elapsed, std::string_view what, int width);

// Columns of text; those whose cells are all numbers are aligned right.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  Colour (*colour_of_row)(const std::vector<std::string>& row) = nullptr;

  std::vector<std::string> lines(const Console& console) const;
};

void print(Console& console, const Table& table);

// Columns that UTF-8 text takes, without the escape sequences of paint().
size_t display_width(std::string_view text);

}  // namespace gradproof
