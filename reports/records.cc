#include "reports/records.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "reports/fields.h"

namespace gradproof {
namespace {

Environment read_environment(const Fields& f) {
  Environment e;
  e.processor = f.text_or_empty("processor");
  e.isas = f.texts("isas");
  e.isa = f.text_or_empty("isa");
  e.caches = f.amount_map("caches");
  e.cores = f.amount("cores");
  e.hypervisor = f.text_or_empty("hypervisor");
  e.compiler = f.text_or_empty("compiler");
  e.flags = f.text_or_empty("flags");
  e.libraries = f.text_map("libraries");
  e.real = f.text_or_empty("real");
  e.commit = f.text_or_empty("commit");
  e.time = f.text_or_empty("time");
  e.threads = f.amount("threads");
  return e;
}

Status read_status(const Fields& f) {
  const std::string status = f.text("status");
  for (Status s : {Status::kPass, Status::kFail, Status::kSkip}) {
    if (status == to_text(s)) return s;
  }
  f.refuse(fmt::format("status \"{}\" is not known for a check; it must be pass, fail or skip", status));
}

Outcome read_outcome(const Fields& f) {
  const std::string status = f.text("status");
  for (Outcome o : {Outcome::kMeasured, Outcome::kRefused, Outcome::kSkipped}) {
    if (status == to_text(o)) return o;
  }
  f.refuse(fmt::format("status \"{}\" is not known for a timing; it must be measured, refused or skipped", status));
}

DrawnPlot read_plot(const Fields& f) {
  DrawnPlot plot{f.text_or_empty("x_axis"), f.text_or_empty("y_axis"), f.flag("logarithmic"), {}};
  for (const Fields& curve : f.objects("curves")) {
    plot.curves.push_back({curve.text("name"), curve.amounts("x"), curve.amounts("y")});
    if (plot.curves.back().x.size() != plot.curves.back().y.size())
      f.refuse("a curve has not as many \"x\" as \"y\"; each point needs both");
  }
  return plot;
}

Check read_check(const Fields& f) {
  Check c;
  c.op = f.text("op");
  c.family = f.text_or_empty("family");
  c.case_text = f.text("case");
  c.oracle = f.text("oracle");
  // A planted bug may be looked for in several passes at once, and then belongs to none.
  if (c.oracle != "self" || !f.text_or_empty("pass").empty()) c.pass = f.pass();
  c.impl = f.text("impl");
  c.peer = f.flag("peer");
  c.isa = f.text_or_empty("isa");
  c.tier = f.text_or_empty("tier");
  c.seed = f.shown("seed");
  c.status = read_status(f);
  c.compared = f.amount("compared");
  c.worst = f.amount("worst");
  c.error = f.amount("error");
  c.bound = f.amount("bound");
  c.ulps = f.amount("ulps");
  c.where = f.shown("where");
  c.expected = f.shown("expected");
  c.got = f.shown("got");
  c.digits = f.number("digits");
  c.reason = f.text_or_empty("reason");
  c.seconds = f.amount("seconds");
  c.repro = f.text_or_empty("repro");
  c.shrunk = f.text_or_empty("shrunk");
  c.mutant = f.text_or_empty("mutant");
  c.caught_by = f.text_or_empty("caught_by");
  c.claim = f.text_or_empty("claim");
  c.operations = f.texts("operations");
  c.plot = read_plot(f);
  if (c.status == Status::kSkip && c.reason.empty())
    f.refuse("a skip carries no reason; \"reason\" must say why it was skipped");
  return c;
}

Timing read_timing(const Fields& f) {
  Timing t;
  t.op = f.text("op");
  t.family = f.text_or_empty("family");
  t.case_text = f.text("case");
  t.pass = f.pass();
  t.impl = f.text("impl");
  t.peer = f.flag("peer");
  t.isa = f.text_or_empty("isa");
  t.threads = f.count_from_one("threads");
  t.layer = f.text_or_empty("layer");
  t.outcome = read_outcome(f);
  t.reason = f.text_or_empty("reason");
  t.samples_ns = f.amounts("samples_ns");
  t.ns = t.outcome == Outcome::kMeasured ? f.required_amount("ns") : f.amount("ns");
  t.flops = f.amount("flops");
  t.bytes = f.amount("bytes");
  t.gflops = f.amount("gflops");
  t.gbps = f.amount("gbps");
  t.roof = f.amount("roof");
  t.roof_kind = f.text_or_empty("roof_kind");
  t.worst = f.amount("worst");
  t.verified = f.texts("verified");
  if (t.outcome == Outcome::kMeasured && *t.ns == 0) f.refuse("\"ns\" is 0; a measured time must be positive");
  if (t.outcome != Outcome::kMeasured && t.reason.empty()) {
    f.refuse(fmt::format("a {} timing carries no reason; \"reason\" must say why", to_text(t.outcome)));
  }
  return t;
}

OracleText read_oracle(const Fields& f) { return {f.text("name"), f.text("question"), f.text("asked_of")}; }

Roof read_roof(const Fields& f) {
  Roof r;
  r.name = f.text("name");
  r.level = f.text_or_empty("level");
  r.isa = f.text_or_empty("isa");
  r.threads = f.count_from_one("threads");
  r.value = f.required_amount("value");
  r.unit = f.text("unit");
  r.bytes = f.amount("bytes");
  const bool bandwidth = r.name != "fma";
  const char* unit = bandwidth ? "GB/s" : "GFLOP/s";
  if (r.unit != unit)
    f.refuse(fmt::format("unit \"{}\" does not fit the roof \"{}\"; it must be {}", r.unit, r.name, unit));
  if (r.value == 0) f.refuse("\"value\" is 0; a measured roof must be positive");
  return r;
}

void read_line(const Fields& f, Records& records) {
  if (f.kind() == "environment") {
    records.environments.push_back(read_environment(f));
  } else if (f.kind() == "oracle") {
    records.oracles.push_back(read_oracle(f));
  } else if (f.kind() == "check") {
    records.checks.push_back(read_check(f));
  } else if (f.kind() == "timing") {
    records.timings.push_back(read_timing(f));
  } else if (f.kind() == "roof") {
    records.roofs.push_back(read_roof(f));
  } else if (f.kind() == "gate_row") {
    records.time_changes.push_back(read_time_change(f));
  } else if (f.kind() == "gate") {
    records.gate_runs.push_back(read_gate_run(f));
  } else if (f.kind() == "exactness") {
    records.exactness.push_back(read_exactness_record(f));
  } else if (f.kind() == "calibration") {
    records.calibrations.push_back(read_calibration_run(f));
  } else if (f.kind() == "mutant") {
    records.mutants.push_back(read_mutant_record(f));
  } else {
    f.refuse(
        fmt::format("kind \"{}\" is not known; it must be environment, oracle, check, timing, roof, gate_row, gate, "
                    "exactness, calibration or mutant",
                    f.kind()));
  }
}

std::string read_file(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw ReportError(fmt::format("{}: there is no such file; give a records file (JSON Lines) that a run has written.",
                                  file.string()));
  }
  if (std::filesystem::is_directory(file, ignored)) {
    throw ReportError(fmt::format("{}: this is a directory; give a records file (JSON Lines).", file.string()));
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream) throw ReportError(fmt::format("{}: the file cannot be read; check its permissions.", file.string()));
  return text;
}

}  // namespace

const char* to_text(Status status) {
  return status == Status::kPass ? "pass" : status == Status::kFail ? "fail" : "skip";
}

const char* to_text(Outcome outcome) {
  return outcome == Outcome::kMeasured ? "measured" : outcome == Outcome::kRefused ? "refused" : "skipped";
}

void parse_records(std::string_view text, const std::string& name, Records& records) {
  if (text.empty()) throw ReportError(fmt::format("{}: the file is empty; it must hold at least one record.", name));
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    const std::string_view content = text.substr(0, end);
    if (end == std::string_view::npos && !nlohmann::json::accept(content)) {
      throw ReportError(fmt::format(
          "{}:{}: the last line is cut off after {} bytes, as when a run is killed; delete that line or run again.",
          name, line, content.size()));
    }
    read_line(Fields(content, name, line), records);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

Records read_records(const std::vector<std::filesystem::path>& files) {
  if (files.empty()) throw ReportError("No records file was given; name at least one.");
  Records records;
  for (const auto& file : files) parse_records(read_file(file), file.string(), records);
  return records;
}

}  // namespace gradproof
