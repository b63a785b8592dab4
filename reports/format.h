#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gradproof {

// Numbers as a reader wants them; an unknown number is an en dash.
std::string show_duration(std::optional<double> ns);  // "12.3 µs"
std::string show_bytes(std::optional<double> bytes);  // "1.5 MiB"
std::string show_rate(std::optional<double> value);   // "123", "12.3", "1.23": three digits
std::string show_ratio(std::optional<double> ratio);  // "0.31", "4.2×10⁻⁵", "0", "∞"
std::string show_percent(std::optional<double> fraction);
std::string show_digits(std::optional<double> digits);
std::string show_count(double count);                     // "12,345"
std::string plural(std::size_t count, const char* noun);  // "1 check", "2 checks"

// Text made safe for the place it goes to.
std::string escape_html(std::string_view text);      // elements and quoted attributes
std::string escape_xml(std::string_view text);       // likewise, and without the control characters XML forbids
std::string escape_json_island(std::string json);    // nothing in it can end the script element it stands in
std::string escape_markdown(std::string_view text);  // running text, also inside a table cell
std::string markdown_code(std::string_view text);    // a code span, also inside a table cell
std::string escape_csv(std::string_view text);

}  // namespace gradproof
