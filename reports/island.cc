#include "reports/island.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "reports/format.h"
#include "reports/gate_island.h"

namespace gradproof {
namespace {

using nlohmann::json;

constexpr std::size_t kMostIslandFailures = 200;

void put(json& object, const char* key, const std::optional<double>& value) {
  if (value) object[key] = short_number(*value);
}

json spread_json(const Spread& s) {
  json list = json::array();
  for (double value : {s.min, s.q1, s.median, s.q3, s.max}) list.push_back(short_number(value));
  return list;
}

json checks_json(const Summary& summary) {
  json list = json::array();
  for (const OperationRow& row : summary.operations) {
    for (const OracleCell& cell : row.oracles) {
      json entry = {{"op", row.op},
                    {"oracle", cell.oracle},
                    {"passed", cell.counts.passed},
                    {"failed", cell.counts.failed},
                    {"skipped", cell.counts.skipped}};
      if (cell.ratios.count > 0) entry["ratios"] = spread_json(cell.ratios);
      if (cell.all_digits.count > 0) entry["digits"] = spread_json(cell.all_digits);
      list.push_back(std::move(entry));
    }
  }
  return list;
}

json failures_json(const Summary& summary) {
  json list = json::array();
  for (const FailureRow& row : summary.failures) {
    if (list.size() == kMostIslandFailures) break;
    list.push_back({{"op", row.check.op},
                    {"case", row.check.case_text},
                    {"pass", row.check.pass},
                    {"oracle", row.check.oracle},
                    {"impl", row.check.impl},
                    {"isa", row.check.isa},
                    {"reason", row.reason},
                    {"repro", row.command}});
  }
  return list;
}

json timing_json(const std::string& op, const TimingRow& row) {
  const Timing& t = row.timing;
  json entry = {{"op", op},       {"layer", t.layer}, {"case", t.case_text}, {"pass", t.pass},
                {"impl", t.impl}, {"isa", t.isa},     {"threads", t.threads}};
  if (!t.family.empty()) entry["family"] = t.family;
  put(entry, "ns", t.ns);
  put(entry, "gflops", t.gflops);
  put(entry, "gbps", t.gbps);
  put(entry, "bytes", t.bytes);
  put(entry, "roof", t.roof);
  if (t.flops && t.bytes && *t.bytes > 0) entry["intensity"] = short_number(*t.flops / *t.bytes);
  if (!t.roof_kind.empty()) entry["kind"] = t.roof_kind;
  if (row.above_roof) entry["above"] = true;
  return entry;
}

json timings_json(const Summary& summary) {
  json list = json::array();
  for (const OperationRow& operation : summary.operations) {
    for (const TimingRow& row : operation.timings) {
      if (row.outcome == Outcome::kMeasured) list.push_back(timing_json(operation.op, row));
    }
  }
  return list;
}

json scaling_json(const Summary& summary) {
  json list = json::array();
  for (const Scaling& s : summary.scaling) {
    list.push_back({{"op", s.op},
                    {"layer", s.layer},
                    {"pass", s.pass},
                    {"impl", s.impl},
                    {"isa", s.isa},
                    {"from", s.threads_from},
                    {"to", s.threads_to},
                    {"speedup", short_number(s.speedup)}});
  }
  return list;
}

json roofs_json(const Summary& summary) {
  json list = json::array();
  for (const Roof& roof : summary.roofs) {
    json entry = {{"name", roof.name},
                  {"level", roof.level},
                  {"isa", roof.isa},
                  {"threads", roof.threads},
                  {"value", short_number(roof.value)}};
    put(entry, "bytes", roof.bytes);
    list.push_back(std::move(entry));
  }
  return list;
}

json not_run_json(const Summary& summary) {
  json list = json::array();
  for (const ReasonRow& row : summary.not_run) {
    list.push_back({{"what", row.what}, {"op", row.op}, {"reason", row.reason}, {"count", row.count}});
  }
  return list;
}

}  // namespace

double short_number(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double scale = std::pow(10.0, 3 - std::floor(std::log10(std::fabs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

namespace {

json numbers_json(const std::vector<double>& values) {
  json list = json::array();
  for (double value : values) list.push_back(short_number(value));
  return list;
}

// Those that drew something.
json properties_json(const Summary& summary) {
  json list = json::array();
  for (const FailureRow& row : summary.properties) {
    const DrawnPlot& plot = row.check.plot;
    if (plot.curves.empty()) continue;
    json curves = json::array();
    for (const DrawnCurve& curve : plot.curves)
      curves.push_back({{"name", curve.name}, {"x", numbers_json(curve.x)}, {"y", numbers_json(curve.y)}});
    list.push_back({{"name", row.check.case_text},
                    {"x_axis", plot.x_axis},
                    {"y_axis", plot.y_axis},
                    {"logarithmic", plot.logarithmic},
                    {"curves", curves}});
  }
  return list;
}

}  // namespace

std::string render_island(const Summary& summary) {
  json island = {{"schema", 1},
                 {"state", to_text(summary.state)},
                 {"sentence", summary.sentence},
                 {"checks", checks_json(summary)},
                 {"failures", failures_json(summary)},
                 {"timings", timings_json(summary)},
                 {"scaling", scaling_json(summary)},
                 {"roofs", roofs_json(summary)},
                 {"not_run", not_run_json(summary)},
                 {"properties", properties_json(summary)},
                 {"caches", json::object()}};
  if (!summary.environments.empty()) island["caches"] = summary.environments.front().caches;
  if (summary.gate.present) island["gate"] = gate_json(summary.gate);
  return escape_json_island(island.dump());
}

}  // namespace gradproof
