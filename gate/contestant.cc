#include "gate/contestant.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <csignal>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

extern char** environ;

namespace gradproof {
namespace {

using Kind = ContestantError::Kind;

// A greeting takes as long as a program needs to start; a row is verified in some seconds, on a slow machine in more.
constexpr double kGreetingSeconds = 20, kLoadingSeconds = 120, kSpareSeconds = 10;
// How long a program that has closed its socket may take to end.
constexpr int kEndingMilliseconds = 1000;

// The environment of the program: ours, longer by the padding, and told how long waiting threads spin, or it would
// start itself anew to say so.
std::vector<std::string> environment_of(const Launch& launch) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (std::strncmp(*entry, "GOMP_SPINCOUNT=", 15) != 0 && std::strncmp(*entry, "GRADPROOF_PADDING=", 18) != 0)
      result.emplace_back(*entry);
  result.emplace_back("GOMP_SPINCOUNT=10000");
  result.push_back("GRADPROOF_PADDING=" + std::string(static_cast<size_t>(launch.padding), 'x'));
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::string ending_of(int status) {
  if (WIFSIGNALED(status)) return fmt::format("killed by SIG{}", sigabbrev_np(WTERMSIG(status)));
  return fmt::format("with exit code {}", WEXITSTATUS(status));
}

}  // namespace

Contestant::Contestant(std::filesystem::path program, std::string role, const Launch& launch)
    : program_(std::move(program)), role_(std::move(role)) {
  start(launch);
  try {
    greet(launch);
  } catch (...) {
    stop();  // no destructor runs for what was never constructed
    throw;
  }
}

Contestant::~Contestant() { stop(); }

void Contestant::stop() {
  if (socket_ >= 0) close(socket_);
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  socket_ = -1;
  process_ = -1;
}

std::string Contestant::name() const { return fmt::format("the {} {}", role_, program_.string()); }

void Contestant::start(const Launch& launch) {
  if (access(program_.c_str(), X_OK) != 0 || std::filesystem::is_directory(program_))
    throw ContestantError(
        Kind::kMissing,
        fmt::format("{} is not a program that can be started; give the path of a built gradproof", name()));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "no socket for a program");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<std::string> words{program_.string(), "serve"};
  std::vector<std::string> environment = environment_of(launch);
  const int error = posix_spawn(&process_, program_.c_str(), &actions, nullptr, pointers_to(words).data(),
                                pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  socket_ = ends[0];
  if (error != 0) {
    close(socket_);
    process_ = -1;
    throw ContestantError(Kind::kMissing, fmt::format("{} cannot be started: {}", name(), std::strerror(error)));
  }
}

template <class Read>
auto Contestant::ask(const Record& request, double seconds, Read read) {
  const std::string line = line_of(request) + "\n";
  if (send(socket_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) lost(doing_);
  const std::string answer = next_line(seconds);
  try {
    return read(answer);
  } catch (const AnswerError&) {
    // What answers in other words is no contestant.
    throw ContestantError(Kind::kCrashed,
                          fmt::format("{} gave an answer that is not of the protocol while {}", name(), doing_));
  }
}

void Contestant::greet(const Launch& launch) {
  Greeting greeting;
  try {
    greeting =
        ask({{"do", "hello"}, {"protocol", kGateProtocol}, {"core", launch.core}}, kGreetingSeconds, greeting_of);
  } catch (const ContestantError& error) {
    if (error.kind != Kind::kCrashed) throw;
    throw ContestantError(Kind::kOlder,
                          fmt::format("{} does not speak the gate's protocol: it is older than that, or no gradproof; "
                                      "build one that lists the subcommand serve",
                                      name()));
  }
  if (greeting.protocol != kGateProtocol)
    throw ContestantError(Kind::kMismatched,
                          fmt::format("{} speaks version {} of the gate's protocol and this program version {}; "
                                      "run the gate of the older one",
                                      name(), greeting.protocol, kGateProtocol));
  facts_ = std::move(greeting.facts);
}

Loaded Contestant::load(const RowKey& key, const Loading& loading) {
  doing_ = fmt::format("it made {} ready", key.to_text());
  Loaded loaded = ask({{"do", "load"},
                       {"case", key.case_text},
                       {"pass", key.pass},
                       {"impl", key.impl},
                       {"seed", loading.seed},
                       {"misalignment", loading.misalignment},
                       {"trusted", loading.trusted},
                       {"measured", loading.measured}},
                      kLoadingSeconds, loaded_of);
  doing_ = fmt::format("it ran {}", key.to_text());
  return loaded;
}

Turn Contestant::time(int iterations, int batches, double handicap, double expected_ns) {
  const double seconds = kSpareSeconds + 20 * expected_ns * iterations * batches * 1e-9;
  return ask({{"do", "time"}, {"iterations", iterations}, {"batches", batches}, {"handicap", handicap}}, seconds,
             [&](std::string_view answer) { return turn_of(answer, batches); });
}

std::string Contestant::next_line(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    if (const size_t end = pending_.find('\n'); end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    const double left = std::chrono::duration<double>(deadline - Clock::now()).count();
    pollfd socket{socket_, POLLIN, 0};
    const int ready = left > 0 ? poll(&socket, 1, static_cast<int>(left * 1000) + 1) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0)
      throw ContestantError(Kind::kHung,
                            fmt::format("{} gave no answer within {:.0f} s while {}", name(), seconds, doing_));
    char bytes[4096];
    const ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) lost(doing_);
    pending_.append(bytes, static_cast<size_t>(count));
  }
}

void Contestant::lost(const std::string& during) {
  int status = 0;
  for (int wait_ms = 0; waitpid(process_, &status, WNOHANG) == 0; ++wait_ms) {
    if (wait_ms == kEndingMilliseconds) kill(process_, SIGKILL);  // it has closed the socket and lives on
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  process_ = -1;
  throw ContestantError(Kind::kCrashed, fmt::format("{} ended {} while {}", name(), ending_of(status), during));
}

}  // namespace gradproof
