// What the instructions of an executable refer to, as objdump tells it.
#pragma once

#include <filesystem>
#include <vector>

#include "gate/exact/elf_image.h"

namespace gradproof {

// An instruction that names an address: a jump, a call, or an operand relative to %rip.
struct CodeReference {
  Address address = 0;  // of the instruction
  Address target = 0;
  Address length = 0;      // of the instruction, or more where its function ends with it
  std::uint8_t width = 0;  // bytes that are read or written at the target at most; 0 where its address is taken
  bool jump = false;       // or a call
};

// By address. Throws std::runtime_error where objdump cannot be run or fails.
std::vector<CodeReference> read_references(const std::filesystem::path& executable);

}  // namespace gradproof
