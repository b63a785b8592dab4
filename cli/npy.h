// NumPy's file format for one array (.npy), versions 1.0 to 3.0:
// numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <filesystem>
#include <fstream>
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

// What a file says of its array before the data.
struct NpyHeader {
  NpyType type = NpyType::kFloat32;
  bool fortran_order = false;
  Shape shape;
};

// A file whose header is read and whose data are not yet: so that what does not fit is refused before any memory is
// taken for it. An array in Fortran order (the transpose of one, to NumPy) is brought into row-major order.
// Strict: throws UsageError with one sentence naming the file for one that is not .npy, an element type that is not in
// NpyType, more than kMaxRank axes, and data that are shorter or longer than the shape says.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& path);

  const NpyHeader& header() const { return header_; }
  NpyArray read();  // once

 private:
  std::string name_;
  std::ifstream stream_;
  NpyHeader header_;
};

// The same for a file at once, and for one at hand that is called `name`.
NpyArray read_npy(const std::filesystem::path& path);
NpyArray parse_npy(std::string_view file, const std::string& name);

// Version 1.0, the data aligned to 64 bytes as NumPy does.
std::string npy_text(const NpyArray& array);

}  // namespace gradproof
