// Bad input, told in one sentence: what is wrong, where, what would be right.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace gradproof {

// Thrown for anything the user can mend: cases, attributes, shapes, files, flags. The command line exits with 64.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) {
  throw UsageError(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace gradproof
