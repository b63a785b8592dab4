// NumPy's file format for one array (.npy), versions 1.0 to 3.0:
// numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/shape.h"

namespace gradproof {

enum class NpyType { kFloat32, kFloat64, kUint8, kInt32 };

Index item_size(NpyType type);
const char* to_text(NpyType type);  // "float32", as NumPy calls it

// A dense row-major array; `data` holds its elements in row-major order, little-endian.
struct NpyArray {
  NpyType type = NpyType::kFloat32;
  Shape shape;
  std::string data;

  // The elements, promoted exactly.
  std::vector<double> as_doubles() const;
};

// Strict: throws UsageError with one sentence naming `name` for a file that is not .npy, an element type that is not in
// NpyType, Fortran order, more than kMaxRank axes, and data that is shorter or longer than the shape says.
NpyArray parse_npy(std::string_view file, const std::string& name);
NpyArray read_npy(const std::filesystem::path& path);

// Version 1.0, the data aligned to 64 bytes as NumPy does.
std::string npy_text(const NpyArray& array);

}  // namespace gradproof
