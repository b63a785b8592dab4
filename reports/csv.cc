#include "reports/csv.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <set>
#include <vector>

#include "reports/format.h"
#include "reports/peers.h"

namespace gradproof {
namespace {

// The columns in order, before one for each peer. A kind fills those it knows; the others stay empty.
constexpr const char* kCsvColumns[] = {
    "kind",     "op",      "family", "case",   "pass",     "oracle", "impl",      "isa",      "tier",
    "seed",     "threads", "layer",  "status", "compared", "worst",  "error",     "bound",    "where",
    "expected", "got",     "digits", "reason", "seconds",  "repro",  "shrunk",    "mutant",   "caught_by",
    "ns",       "flops",   "bytes",  "gflops", "gbps",     "roof",   "roof_kind", "verified", "samples_ns",
    "name",     "level",   "value",  "unit",   "peer",     "ulps"};

using Cells = std::map<std::string, std::string>;

// Shortest text that reads back as the same double.
std::string exact(const std::optional<double>& value) { return value ? fmt::format("{}", *value) : ""; }

template <class Values>
std::string spaced(const Values& values) {
  return fmt::format("{}", fmt::join(values, " "));
}

Cells cells_of(const Check& c) {
  return {{"kind", "check"},
          {"op", c.op},
          {"family", c.family},
          {"case", c.case_text},
          {"pass", c.pass},
          {"oracle", c.oracle},
          {"impl", c.impl},
          {"isa", c.isa},
          {"tier", c.tier},
          {"seed", c.seed},
          {"status", to_text(c.status)},
          {"compared", exact(c.compared)},
          {"worst", exact(c.worst)},
          {"error", exact(c.error)},
          {"bound", exact(c.bound)},
          {"ulps", exact(c.ulps)},
          {"where", c.where},
          {"expected", c.expected},
          {"got", c.got},
          {"digits", exact(c.digits)},
          {"reason", c.reason},
          {"seconds", exact(c.seconds)},
          {"repro", c.repro},
          {"shrunk", c.shrunk},
          {"mutant", c.mutant},
          {"caught_by", c.caught_by},
          {"peer", c.peer ? "true" : ""}};
}

Cells cells_of(const Timing& t) {
  return {{"kind", "timing"},
          {"op", t.op},
          {"family", t.family},
          {"case", t.case_text},
          {"pass", t.pass},
          {"impl", t.impl},
          {"isa", t.isa},
          {"threads", std::to_string(t.threads)},
          {"layer", t.layer},
          {"status", to_text(t.outcome)},
          {"reason", t.reason},
          {"worst", exact(t.worst)},
          {"ns", exact(t.ns)},
          {"flops", exact(t.flops)},
          {"bytes", exact(t.bytes)},
          {"gflops", exact(t.gflops)},
          {"gbps", exact(t.gbps)},
          {"roof", exact(t.roof)},
          {"roof_kind", t.roof_kind},
          {"verified", spaced(t.verified)},
          {"samples_ns", spaced(t.samples_ns)},
          {"peer", t.peer ? "true" : ""}};
}

Cells cells_of(const Roof& r) {
  return {{"kind", "roof"}, {"name", r.name},          {"level", r.level}, {"threads", std::to_string(r.threads)},
          {"isa", r.isa},   {"value", exact(r.value)}, {"unit", r.unit},   {"bytes", exact(r.bytes)}};
}

std::string column_of(const std::string& peer) { return "times_faster_than_" + peer; }

// All columns: kCsvColumns, and one for each peer that ours were timed against.
std::vector<std::string> columns_for(const std::vector<std::vector<PeerRatio>>& ratios) {
  std::set<std::string> peers;
  for (const auto& row : ratios)
    for (const PeerRatio& one : row) peers.insert(column_of(one.peer));
  std::vector<std::string> columns(std::begin(kCsvColumns), std::end(kCsvColumns));
  columns.insert(columns.end(), peers.begin(), peers.end());
  return columns;
}

void append_line(const std::vector<std::string>& columns, const Cells& cells, std::string& out) {
  bool first = true;
  for (const std::string& column : columns) {
    if (!first) out += ',';
    first = false;
    const auto cell = cells.find(column);
    if (cell != cells.end()) out += escape_csv(cell->second);
  }
  out += '\n';
}

}  // namespace

std::string render_csv(const Records& records) {
  const std::vector<std::vector<PeerRatio>> ratios = ratios_to_peers(records.timings);
  const std::vector<std::string> columns = columns_for(ratios);
  std::string out;
  Cells head;
  for (const std::string& column : columns) head[column] = column;
  append_line(columns, head, out);
  for (const Check& check : records.checks) append_line(columns, cells_of(check), out);
  for (std::size_t i = 0; i < records.timings.size(); ++i) {
    Cells cells = cells_of(records.timings[i]);
    for (const auto& [peer, ratio] : ratios[i]) cells[column_of(peer)] = exact(ratio);
    append_line(columns, cells, out);
  }
  for (const Roof& roof : records.roofs) append_line(columns, cells_of(roof), out);
  return out;
}

}  // namespace gradproof
