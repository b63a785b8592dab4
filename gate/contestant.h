// A program in the gate: started, asked over protocol.md, and never trusted to answer.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "gate/answers.h"
#include "gate/protocol.h"
#include "ops/core/record.h"
#include "ops/core/shape.h"

namespace gradproof {

// Why a program cannot be compared. The message is one sentence that names it.
struct ContestantError : std::runtime_error {
  enum class Kind {
    kMissing,     // no such program, or it cannot be started
    kOlder,       // it does not speak the protocol at all
    kMismatched,  // it speaks another version
    kCrashed,     // it ended in the middle
    kHung         // it gave no answer in time
  };
  ContestantError(Kind why, const std::string& sentence) : std::runtime_error(sentence), kind(why) {}
  Kind kind;
};

struct Launch {
  int core = 0;
  // Bytes that its environment is longer by: moves the stack, and with it what falls on the same cache lines.
  int padding = 0;
};

struct Loading {
  std::uint64_t seed = 1;
  Index misalignment = 0;
  std::string trusted;   // bits that need no verification
  bool measured = true;  // whether to tell how long a run takes
};

class Contestant {
 public:
  // Starts the program and greets it. Throws ContestantError.
  Contestant(std::filesystem::path program, std::string role, const Launch& launch);
  Contestant(const Contestant&) = delete;
  Contestant& operator=(const Contestant&) = delete;
  ~Contestant();

  // All throw ContestantError when no sensible answer comes.
  Loaded load(const RowKey& key, const Loading& loading);
  Turn time(int iterations, int batches, double handicap, double expected_ns);

  const ProgramFacts& facts() const { return facts_; }

 private:
  void start(const Launch& launch);
  void stop();
  void greet(const Launch& launch);
  // What `read` makes of the answer.
  template <class Read>
  auto ask(const Record& request, double seconds, Read read);
  std::string next_line(double seconds);
  [[noreturn]] void lost(const std::string& during);
  std::string name() const;

  std::filesystem::path program_;
  std::string role_;  // "baseline", "candidate": what a message calls it
  std::string doing_ = "it was greeted";
  pid_t process_ = -1;
  int socket_ = -1;
  std::string pending_;
  ProgramFacts facts_;
};

}  // namespace gradproof
