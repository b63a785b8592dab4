// A copy of a program that no directory holds, so that nothing is left however the gate ends.
#pragma once

#include <filesystem>

namespace gradproof {

class CopiedProgram {
 public:
  // Throws UsageError when the program cannot be read, or memory is short.
  explicit CopiedProgram(const std::filesystem::path& program);
  CopiedProgram(const CopiedProgram&) = delete;
  CopiedProgram& operator=(const CopiedProgram&) = delete;
  ~CopiedProgram();

  // What starts it, for as long as this object and process live.
  std::filesystem::path path() const;

 private:
  int file_;
};

}  // namespace gradproof
