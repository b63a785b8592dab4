#include "reports/peers.h"

#include <map>
#include <tuple>

#include "reports/judge.h"

namespace gradproof {
namespace {

// The same work, whoever does it. A case may be timed under several layers' names, so the layer is part of it.
using Work = std::tuple<std::string, std::string, std::string, std::string, int>;

Work work_of(const Timing& t) { return {t.op, t.layer, t.case_text, t.pass, t.threads}; }

bool is_measured(const Timing& timing) { return judge(timing).outcome == Outcome::kMeasured; }

}  // namespace

std::vector<std::vector<PeerRatio>> ratios_to_peers(const std::vector<Timing>& timings) {
  std::map<Work, std::map<std::string, double>> peers;  // nanoseconds by name
  for (const Timing& timing : timings)
    if (timing.peer && is_measured(timing)) peers[work_of(timing)][timing.impl] = *timing.ns;
  std::vector<std::vector<PeerRatio>> ratios;
  for (const Timing& timing : timings) {
    ratios.emplace_back();
    if (timing.peer || !is_measured(timing)) continue;
    for (const auto& [peer, ns] : peers[work_of(timing)]) ratios.back().push_back({peer, ns / *timing.ns});
  }
  return ratios;
}

}  // namespace gradproof
