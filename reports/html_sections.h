#pragma once

#include <string>

#include "reports/summary.h"

namespace gradproof {

// The parts of the page, as static HTML that needs no scripts. Each returns nothing, or a sentence, when it has no
// rows.
std::string html_verdict(const Summary& summary);
std::string html_failures(const Summary& summary);
std::string html_operations(const Summary& summary);
std::string html_oracles(const Summary& summary);
std::string html_coverage(const Summary& summary);
std::string html_properties(const Summary& summary);
std::string html_peers(const Summary& summary);
std::string html_loose(const Summary& summary);
std::string html_planted(const Summary& summary);
std::string html_environment(const Summary& summary);
std::string html_not_run(const Summary& summary);

// One tile of the figures under a verdict; `tone` may be empty.
std::string figure_tile(const char* name, const std::string& value, const char* tone = "");

// The verdict as the page's heading, and what is wrong with the records.
std::string verdict_heading(const Summary& summary);
std::string fault_list(const Summary& summary);

// A cell of a sortable table: what is shown, and the number it sorts by.
std::string number_cell(const std::string& shown, const std::optional<double>& sort_by, const char* classes = "n");
std::string count_cell(std::size_t count, const char* classes = "n");
std::string text_cell(const std::string& text);
std::string code_cell(const std::string& text);

// A state or verdict as a word with a mark, never by colour alone; `tone` is good, bad, warn or quiet.
std::string badge(const char* tone, const std::string& word);

// A table in a frame of its own that scrolls sideways, so that the page never does. `id` lets scripts find it.
std::string framed_table(const std::string& caption, const std::string& head, const std::string& body);

}  // namespace gradproof
