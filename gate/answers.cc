#include "gate/answers.h"

#include <nlohmann/json.hpp>

#include "gate/protocol.h"
#include "ops/core/record.h"

namespace gradproof {
namespace {

// Whatever `read` finds to be of another type than the protocol's is no answer.
template <class Read>
auto read_answer(std::string_view answer, Read read) {
  try {
    return read(record_of(answer));
  } catch (const nlohmann::json::exception& error) {
    throw AnswerError(error.what());
  }
}

ProgramFacts facts_of(const Record& environment) {
  return {.processor = environment.value("processor", ""),
          .compiler = environment.value("compiler", ""),
          .flags = environment.value("flags", ""),
          .commit = environment.value("commit", ""),
          .line = line_of(environment)};
}

}  // namespace

Greeting greeting_of(std::string_view answer) {
  return read_answer(answer, [](const Record& record) {
    Greeting greeting{.protocol = count_at(record, "protocol"), .facts = {}};
    if (greeting.protocol == kGateProtocol) greeting.facts = facts_of(record.value("environment", Record::object()));
    return greeting;
  });
}

Loaded loaded_of(std::string_view answer) {
  return read_answer(answer, [](const Record& record) {
    return Loaded{.ready = record.value("ready", false),
                  .reason = record.value("reason", record.value("error", "")),
                  .isa = record.value("isa", ""),
                  .bits = record.value("bits", ""),
                  .ns = record.value("ns", 0.0)};
  });
}

Turn turn_of(std::string_view answer, int batches) {
  return read_answer(answer, [&](const Record& record) {
    const Turn turn{.ns = record.value("ns", std::vector<double>{}), .disturbed = count_at(record, "disturbed")};
    if (turn.ns.empty() && turn.disturbed == 0) throw AnswerError("there is no time in it");
    // The hypervisor does not say which of them it disturbed.
    return count_at(record, "stolen") > 0 ? Turn{.ns = {}, .disturbed = batches} : turn;
  });
}

}  // namespace gradproof
