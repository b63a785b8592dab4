// Same code: whether the machine code that an operation's kernels can reach is the same in two executables.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace gradproof {

// What one executable holds. Building it disassembles the whole file, which takes seconds; two may be built side by
// side on two threads.
//
// The closure of an operation is everything that can be reached from the function that makes it (`conv_operation`, or
// the `activation_operations` of its family): functions called, jumped to or pointed to, vtables, dispatch tables,
// constants and strings, static initialisers of the variables among them. It is hashed by structure, so that neither
// addresses nor names matter. It is rather too large than too small: equal hashes mean the same code on the same
// constants, while other hashes may come of a change that no kernel runs (docs/decisions/0022-same-code.md).
class CodeIndex {
 public:
  explicit CodeIndex(const std::filesystem::path& executable);
  CodeIndex(CodeIndex&&) noexcept;
  ~CodeIndex();

  // Why nothing is known about the whole executable: it is stripped, of another architecture, or there is no objdump.
  // Empty where something is.
  const std::string& unknown() const { return unknown_; }

  // Nothing where it is not known, which is never the same as anything.
  std::optional<std::string> closure_hash(const std::string& op, const std::string& family = "") const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
  std::string unknown_;
};

// Whether it is certain that both reach the same code.
bool same_code(const CodeIndex& a, const CodeIndex& b, const std::string& op, const std::string& family = "");

}  // namespace gradproof
