// What a program in the gate may answer, whatever it was asked.
#include "fuzzers/fuzzer.h"
#include "gate/answers.h"

namespace gradproof {

void fuzz(std::string_view input) {
  constexpr int kBatches = 4;
  takes<AnswerError>([&] { greeting_of(input); }, "");
  takes<AnswerError>([&] { loaded_of(input); }, "");
  takes<AnswerError>(
      [&] {
        const Turn turn = turn_of(input, kBatches);
        require(!turn.ns.empty() || turn.disturbed > 0, "a turn says what became of its batches", input);
      },
      "");
}

}  // namespace gradproof
