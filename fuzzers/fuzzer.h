// What the fuzzers of the readers share: each gives a reader whatever bytes libFuzzer comes up with. The reader takes
// them or refuses them with its own kind of error; anything else ends the fuzzer, which keeps the bytes.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace gradproof {

// What a refusal has to name as the place.
inline const std::string kFuzzedFile = "the fuzzed file";

// Each fuzzer defines it.
void fuzz(std::string_view input);

// Ends the fuzzer where a property does not hold.
inline void require(bool holds, const char* property, std::string_view evidence = {}) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", property, std::string(evidence).c_str());
  std::abort();
}

// Whether `read` takes its input; false where it refuses it, with a Refusal that names the place.
template <class Refusal, class Read>
bool takes(const Read& read, std::string_view place = kFuzzedFile) {
  try {
    read();
    return true;
  } catch (const Refusal& refusal) {
    const std::string_view sentence = refusal.what();
    require(!sentence.empty() && sentence.find(place) != std::string_view::npos, "a refusal names the place", sentence);
    return false;
  }
}

}  // namespace gradproof
