// The name by which libFuzzer calls a fuzzer.
#include <cstddef>
#include <cstdint>

#include "fuzzers/fuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gradproof::fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
