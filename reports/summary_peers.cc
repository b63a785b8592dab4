#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "reports/judge.h"
#include "reports/summary_parts.h"

namespace gradproof {
namespace {

void add_findings(const Records& records, Summary& summary) {
  using Kind = std::tuple<std::string, std::string, std::size_t, std::string>;  // operation, peer, oracle
  std::map<Kind, PeerFinding> findings;
  for (const Check& check : records.checks) {
    if (!check.peer) continue;
    const Judged judged = judge(check);
    summary.peer_checks.add(judged.status);
    if (judged.status != Status::kFail) continue;
    PeerFinding& finding = findings[{check.op, check.impl, oracle_rank(check.oracle), check.oracle}];
    if (finding.count++ == 0) finding.example = {check, judged.reason, repeat_command(check)};
  }
  for (auto& [kind, finding] : findings) summary.peer_findings.push_back(std::move(finding));
}

// Geometric means, since a ratio and its inverse must count alike.
void add_means(const OperationRow& operation, Summary& summary) {
  using Kind = std::tuple<std::string, std::string, std::string, int>;  // peer, implementation, pass, threads
  std::map<Kind, AgainstPeer> rows;
  for (const TimingRow& timing : operation.timings)
    for (const auto& [peer, ratio] : timing.faster) {
      const Timing& t = timing.timing;
      AgainstPeer& row = rows[{peer, t.impl, t.pass, t.threads}];
      if (row.rows == 0) row = {operation.op, peer, t.impl, t.pass, t.threads, 0, 0, ratio, ratio};
      ++row.rows;
      row.mean += std::log(ratio);
      row.least = std::min(row.least, ratio);
      row.most = std::max(row.most, ratio);
    }
  for (auto& [kind, row] : rows) {
    row.mean = std::exp(row.mean / static_cast<double>(row.rows));
    summary.against_peers.push_back(std::move(row));
  }
}

}  // namespace

void add_peers(const Records& records, Summary& summary) {
  add_findings(records, summary);
  for (const OperationRow& operation : summary.operations) add_means(operation, summary);
}

}  // namespace gradproof
