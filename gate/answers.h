// What the programs in the gate answer (protocol.md), read with no trust in them.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace gradproof {

// An answer that is not of the protocol. Who asked knows whose it is.
struct AnswerError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What a program says of itself in its environment record.
struct ProgramFacts {
  std::string processor, compiler, flags, commit;
  std::string line;  // the whole record
};

struct Greeting {
  int protocol = 0;
  ProgramFacts facts;  // of a program that speaks this version
};

struct Loaded {
  bool ready = false;
  std::string reason;  // unless ready
  std::string isa, bits;
  double ns = 0;
};

struct Turn {
  std::vector<double> ns;  // one a batch, of those that nothing disturbed
  int disturbed = 0;       // batches during which the core was taken away
};

// All throw AnswerError.
Greeting greeting_of(std::string_view answer);
Loaded loaded_of(std::string_view answer);
Turn turn_of(std::string_view answer, int batches);

}  // namespace gradproof
