#include "reports/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace gradproof {
namespace {

constexpr const char* kUnknown = "–";

// Three significant digits without an exponent, for values in the range a unit prefix leaves (1 to 999).
std::string three_digits(double value) {
  const double size = std::fabs(value);
  const int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}", value, decimals);
}

// "4.2×10⁻⁵"
std::string scientific(double value) {
  constexpr std::array<const char*, 10> kRaised = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  const std::string text = fmt::format("{:.1e}", value);
  const auto e = text.find('e');
  std::string out = text.substr(0, e) + "×10";
  const int exponent = std::stoi(text.substr(e + 1));
  if (exponent < 0) out += "⁻";
  for (char digit : std::to_string(std::abs(exponent))) out += kRaised[static_cast<std::size_t>(digit - '0')];
  return out;
}

std::string escape_markup(std::string_view text, bool drop_controls) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r';
    if (drop_controls && control) {
      out += "\xEF\xBF\xBD";  // U+FFFD
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string show_duration(std::optional<double> ns) {
  if (!ns) return kUnknown;
  constexpr std::array<const char*, 4> kUnits = {"ns", "µs", "ms", "s"};
  double value = *ns;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return three_digits(value) + " " + kUnits[unit];
}

std::string show_bytes(std::optional<double> bytes) {
  if (!bytes) return kUnknown;
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = *bytes;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g} {}", std::round(value * 10) / 10, kUnits[unit]);
}

std::string show_rate(std::optional<double> value) {
  if (!value) return kUnknown;
  if (*value != 0 && *value < 0.01) return scientific(*value);
  return *value < 999.5 ? three_digits(*value) : show_count(std::round(*value));
}

std::string show_ratio(std::optional<double> ratio) {
  if (!ratio || std::isnan(*ratio)) return kUnknown;
  if (std::isinf(*ratio)) return "∞";
  if (*ratio == 0) return "0";
  if (*ratio < 0.001 || *ratio >= 9999.5) return scientific(*ratio);
  if (*ratio >= 9.995) return show_count(std::round(*ratio));
  return fmt::format("{:.{}f}", *ratio, *ratio < 0.01 ? 4 : *ratio < 0.1 ? 3 : 2);
}

std::string show_percent(std::optional<double> fraction) {
  if (!fraction) return kUnknown;
  const double percent = *fraction * 100;
  // A no-break space: the sign never starts a line.
  return fmt::format("{:.{}f}\u00a0%", percent, percent < 9.95 ? 1 : 0);
}

std::string show_digits(std::optional<double> digits) { return digits ? fmt::format("{:.1f}", *digits) : kUnknown; }

std::string show_count(double count) {
  std::string digits = fmt::format("{:.0f}", count);
  const std::ptrdiff_t first = digits.starts_with('-') ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(digits.begin() + at, ',');
  return digits;
}

std::string plural(std::size_t count, const char* noun) {
  return show_count(static_cast<double>(count)) + " " + noun + (count == 1 ? "" : "s");
}

std::string escape_html(std::string_view text) { return escape_markup(text, false); }

std::string escape_xml(std::string_view text) { return escape_markup(text, true); }

// "<" occurs in JSON only inside strings, where <!-- and </script could otherwise change how HTML reads on.
std::string escape_json_island(std::string json) {
  std::string out;
  out.reserve(json.size());
  for (char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else if (c == '>') {
      out += "\\u003e";
    } else if (c == '&') {
      out += "\\u0026";
    } else {
      out += c;
    }
  }
  return out;
}

std::string escape_markdown(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      out += ' ';
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|~#>$").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

// The fence is one backtick longer than any run inside; a pipe is escaped because tables are cut before code is read.
std::string markdown_code(std::string_view text) {
  if (text.empty()) return kUnknown;
  std::size_t longest = 0, run = 0;
  std::string body;
  for (char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
    if (c == '|') body += '\\';
    body += c == '\n' || c == '\r' ? ' ' : c;
  }
  const std::string fence(longest + 1, '`');
  const char* gap = body.front() == '`' || body.back() == '`' ? " " : "";
  return fence + gap + body + gap + fence;
}

std::string escape_csv(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace gradproof
