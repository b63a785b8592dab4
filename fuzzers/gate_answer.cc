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
        const Slice slice = slice_of(input, kBatches);
        require(!slice.ns.empty() || slice.disturbed > 0, "a slice says what became of its batches", input);
      },
      "");
}

}  // namespace gradproof
