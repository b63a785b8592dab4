#include "reports/fixture.h"

namespace gradproof {
namespace {

using nlohmann::json;

constexpr const char* kCase = "max_pool:mb=1,c=64,ih=56,iw=56,kh=3,kw=3,sh=2,sw=2";

json launches_around(double change, int count) {
  json list = json::array();
  for (int i = 0; i < count; ++i) list.push_back(change + 0.004 * (i % 3 - 1));
  return list;
}

// A row that was confirmed to have changed by `change`.
json confirmed_row(const char* op, const char* verdict, double change) {
  json row = a_gate_row();
  row.update({{"op", op},
              {"case", std::string(op) + ":mb=1,c=64,ih=56,iw=56"},
              {"verdict", verdict},
              {"change", change},
              {"screened", launches_around(change, 3)},
              {"confirmed", launches_around(change, 16)},
              {"p", 3e-5},
              {"adjusted", 4e-4},
              {"low", change - 0.006},
              {"high", change + 0.006},
              {"sign_low", change - 0.008},
              {"sign_high", change + 0.008}});
  return row;
}

json with_reason(json row, const char* reason) {
  row["reason"] = reason;
  return row;
}

json refused_row() {
  json row = a_gate_row();
  row.update({{"op", "softmax"}, {"case", "softmax:mb=1,c=10"}, {"verdict", "NOT_COMPARABLE"}});
  for (const char* key : {"change", "delta", "screened", "baseline_ns", "candidate_ns"}) row.erase(key);
  return with_reason(row, "the baseline does not know <softmax> & cannot run it");
}

json a_pool() {
  json pool = confirmed_row("conv", "FAIL", 0.017);
  for (const char* key : {"case", "impl", "isa", "baseline_ns", "candidate_ns"}) pool.erase(key);
  pool.update({{"role", "pool"}, {"rows", 4}, {"delta", 0.01}});
  return pool;
}

json a_control(const char* op, const char* case_text, double change) {
  json row = a_gate_row();
  row.update({{"role", "control"},
              {"op", op},
              {"case", case_text},
              {"verdict", "PASS"},
              {"change", change},
              {"screened", launches_around(change, 3)}});
  return row;
}

std::string exactness_lines() {
  json worse = an_exactness(), better = an_exactness(), added = an_exactness(), gone = an_exactness();
  better.update({{"op", "gelu"}, {"change", "better"}, {"after_worst", 0.11}});
  added.update({{"op", "mish"}, {"change", "new"}});
  gone.update({{"op", "selu"}, {"change", "gone"}});
  for (const char* key : {"before_worst", "before_ulps"}) added.erase(key);
  for (const char* key : {"after_worst", "after_ulps"}) gone.erase(key);
  return added.dump() + "\n" + better.dump() + "\n" + worse.dump() + "\n" + gone.dump() + "\n";
}

std::string joined_lines(const std::vector<json>& records) {
  std::string out;
  for (const json& record : records) out += record.dump() + "\n";
  return out;
}

}  // namespace

std::string gate_lines() {
  json gate = a_gate();
  gate.update({{"verdict", "FAIL"},
               {"rows", 9},
               {"controls", 3},
               {"calibration", "0 false alarms in 200 runs of 300 rows (at most 1.83%); +5% found in 39 of 40"}});
  return joined_lines({a_gate_row(), confirmed_row("max_pool", "FAIL", 0.055), confirmed_row("relu", "IMPROVED", -0.08),
                       with_reason(confirmed_row("lrn", "INCONCLUSIVE", 0.018), "cannot exclude +2.4%"),
                       with_reason(confirmed_row("gelu", "LAYOUT", 0.04), "the kernels are the same machine code"),
                       with_reason(confirmed_row("batch_norm", "TRADE", -0.05), "faster but less exact"),
                       with_reason(confirmed_row("linear", "LESS_EXACT", 0.001), "less exact than the reviewed file"),
                       refused_row(), confirmed_row("sigmoid", "PASS", 0.004), a_pool(),
                       a_control("conv", "conv:mb=1,ic=64,ih=14,iw=14,oc=64,kh=3,kw=3", 0.003),
                       a_control("canary", "canary:fma", 0.0001), a_control("canary", "canary:triad", -0.002)}) +
         exactness_lines() + gate.dump() + "\n";
}

std::string quiet_gate_lines(const char* verdict) {
  json gate = a_gate();
  gate["verdict"] = verdict;
  gate["reason"] = "the control canary:fma moved by +3.1% with nothing changed";
  return joined_lines({a_gate_row(), a_control("canary", "canary:fma", 0.0001), gate});
}

json a_gate_row() {
  return {{"schema", 1},          {"kind", "gate_row"},    {"role", "row"},  {"op", "max_pool"},
          {"case", kCase},        {"pass", "forward"},     {"impl", "simd"}, {"isa", "AVX3"},
          {"verdict", "PASS"},    {"change", 0.001},       {"delta", 0.02},  {"screened", {0.004, 0.001, -0.002}},
          {"baseline_ns", 23200}, {"candidate_ns", 23223}, {"batches", 384}, {"dropped", 0}};
}

json a_gate() {
  return {{"schema", 1},
          {"kind", "gate"},
          {"verdict", "PASS"},
          {"baseline_commit", "4623dcc734b652dfa563"},
          {"candidate_commit", "bde6baf2aa7d90c1f2b8"},
          {"rows", 1},
          {"controls", 1},
          {"batches", 39660},
          {"dropped", 84},
          {"noise", 0.0105},
          {"detectable", 0.031},
          {"seconds", 39.2}};
}

json an_exactness() {
  return {{"schema", 1},         {"kind", "exactness"}, {"op", "linear"},    {"case", "linear:mb=3,ic=17,oc=9"},
          {"pass", "forward"},   {"isa", "AVX2"},       {"change", "worse"}, {"before_worst", 0.21},
          {"after_worst", 0.84}, {"before_ulps", 1.5},  {"after_ulps", 6}};
}

json a_calibration() {
  return {{"schema", 1},
          {"kind", "calibration"},
          {"processor", "AMD EPYC 9R14"},
          {"rows", 300},
          {"quiet_runs", 200},
          {"alarms", 1},
          {"invalid", 2},
          {"noise", 0.011},
          {"seconds", 52000},
          {"powers", {{{"slowdown", 0.05}, {"runs", 40}, {"found", 39}}}}};
}

}  // namespace gradproof
