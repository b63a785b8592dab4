// The texts of bench/shapes/*.txt, embedded at build time by embed_shapes.cmake.
#pragma once

#include <span>
#include <string_view>

namespace gradproof {

struct EmbeddedShapes {
  std::string_view name;  // the file's name without .txt
  std::string_view text;
};

std::span<const EmbeddedShapes> embedded_shapes();

}  // namespace gradproof
