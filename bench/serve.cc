#include "bench/serve.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <thread>

#include "bench/work.h"
#include "gate/protocol.h"
#include "ops/core/error.h"
#include "ops/core/record.h"
#include "ops/simd/stores.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kOwnMapping = 1 << 16;  // bytes: what is smaller fits into the first cache with room to spare

double ns_since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

void run_on_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) != 0)
    refuse("core {} cannot be used; give one that this process may run on", core);
}

// How often the system took this thread's core away.
long switches_so_far() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

// Ticks that a hypervisor kept from a core: the eighth number of its line in proc(5)'s stat.
long long stolen_so_far(int core) {
  std::ifstream stat("/proc/stat");
  const std::string name = fmt::format("cpu{}", core);
  for (std::string line; std::getline(stat, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != name) continue;
    long long ticks = 0;
    for (int i = 0; i < 8 && words >> ticks; ++i) {
    }
    return ticks;
  }
  return 0;
}

std::uint64_t seed_of(const Record& request) {
  if (!request.contains("seed")) return 1;
  if (!request["seed"].is_number_unsigned()) refuse("'seed' must be a whole number, 0 or more");
  return request["seed"];
}

Index misalignment_of(const Record& request) {
  const Index elements = count_at(request, "misalignment");
  if (elements >= kLineFloats) refuse("'misalignment' must be below {}, the floats of a cache line", kLineFloats);
  return elements;
}

double handicap_of(const Record& request) {
  const double handicap = request.value("handicap", 0.0);
  if (!(handicap >= 0 && handicap <= kMostHandicap))
    refuse("'handicap' must be from 0 to {}, of the time that a batch takes", kMostHandicap);
  return handicap;
}

class Server {
 public:
  Server(const Registry& registry, const References& references) : maker_(registry, references) {}

  Record answer(const Record& request) {
    const std::string what = request.value("do", "");
    if (what == "hello") return hello(request);
    if (what == "load") return load(request);
    if (what == "time") return time(request);
    refuse("'{}' is not a request; there are hello, load and time", what);
  }
  bool finished() const { return finished_; }

 private:
  Record hello(const Record& request) {
    finished_ = count_at(request, "protocol") != kGateProtocol;
    Record reply{{"protocol", kGateProtocol}};
    if (finished_) return reply;
    core_ = count_at(request, "core");
    run_on_core(core_);
    reply["environment"] = environment_record(1, supported_targets());
    return reply;
  }

  Record load(const Record& request) {
    work_.reset();
    try {
      work_ = maker_.make({request.value("case", ""), request.value("pass", ""), request.value("impl", "simd")},
                          {.seed = seed_of(request),
                           .misalignment = misalignment_of(request),
                           .trusted = request.value("trusted", "")});
    } catch (const UsageError& error) {
      return {{"ready", false}, {"reason", error.what()}};
    }
    Record reply{{"ready", true}, {"isa", work_->isa()}, {"bits", work_->bits()}};
    if (request.value("measured", true)) reply["ns"] = shortest_run();
    return reply;
  }

  // Of 3 runs at least, and of as many as fit into 2 ms.
  double shortest_run() {
    double shortest = 0;
    const auto start = Clock::now();
    for (int run = 0; run < 3 || ns_since(start) < 2e6; ++run) {
      const auto begin = Clock::now();
      work_->run();
      const double ns = ns_since(begin);
      shortest = run == 0 ? ns : std::min(shortest, ns);
    }
    return shortest;
  }

  Record time(const Record& request) {
    if (!work_) refuse("there is nothing to time; load a row first");
    const int iterations = std::max(1, count_at(request, "iterations"));
    const int batches = std::max(1, count_at(request, "batches"));
    const double handicap = handicap_of(request);
    // Whoever asked is still on its way to sleep, perhaps on this core: it would count as a disturbance.
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    work_->run();  // the other program has filled the caches
    std::vector<double> ns;
    int disturbed = 0;
    const long long stolen = stolen_so_far(core_);
    for (int batch = 0; batch < batches; ++batch) {
      const long switches = switches_so_far();
      const double batch_ns = time_batch(iterations, handicap);
      if (switches_so_far() == switches)
        ns.push_back(batch_ns);
      else
        ++disturbed;
    }
    return {{"ns", ns}, {"disturbed", disturbed}, {"stolen", stolen_so_far(core_) - stolen}};
  }

  double time_batch(int iterations, double handicap) {
    const auto start = Clock::now();
    for (int i = 0; i < iterations; ++i) work_->run();
    if (handicap > 0)
      for (const double until = ns_since(start) * (1 + handicap); ns_since(start) < until;) {
      }
    return ns_since(start) / iterations;
  }

  WorkMaker maker_;
  std::unique_ptr<Work> work_;
  int core_ = 0;
  bool finished_ = false;
};

void write_line(int out, const std::string& line) {
  for (size_t done = 0; done < line.size();) {
    const ssize_t count = write(out, line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::system_error(errno, std::generic_category(), "the gate is gone");
    done += static_cast<size_t>(count);
  }
}

// The next line without its end; false when there is none.
bool read_line(int in, std::string& pending, std::string& line) {
  for (;;) {
    if (const size_t end = pending.find('\n'); end != std::string::npos) {
      line = pending.substr(0, end);
      pending.erase(0, end + 1);
      return true;
    }
    char bytes[4096];
    const ssize_t count = read(in, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    pending.append(bytes, static_cast<size_t>(count));
  }
}

}  // namespace

void serve(const Registry& registry, const References& references, int in, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a long run would not see that its input has ended
  // What is freed goes back to the system at once, so that each load gets other pages: what falls on the same lines of
  // a cache is then another draw of the same lot.
  mallopt(M_MMAP_THRESHOLD, kOwnMapping);
  Server server(registry, references);
  std::string pending, line;
  while (!server.finished() && read_line(in, pending, line)) {
    Record reply;
    try {
      reply = server.answer(record_of(line));
    } catch (const UsageError& error) {
      reply = {{"error", error.what()}};
    } catch (const nlohmann::json::exception& error) {
      reply = {{"error", fmt::format("not a request: {}", error.what())}};
    }
    write_line(out, line_of(reply) + "\n");
  }
}

}  // namespace gradproof
