// What a program writes to a descriptor of its own, while it says whatever it likes elsewhere.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gradproof {

struct ChildOutput {
  std::string text;
  int exit_code = 0;  // -1 where a signal ended it
};

// The path that the program has to write to: a pipe that is its descriptor 3.
inline constexpr const char* kChildOutputPath = "/proc/self/fd/3";

// Runs the program to its end; what it prints is dropped. Throws std::system_error where it cannot be started.
ChildOutput output_of(const std::filesystem::path& program, const std::vector<std::string>& arguments);

}  // namespace gradproof
