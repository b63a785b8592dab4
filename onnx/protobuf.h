// Protocol buffers as they lie in a file: numbered fields of varints, fixed words and lengths of bytes.
// protobuf.dev/programming-guides/encoding
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradproof {

struct WireField {
  int number = 0;
  std::uint64_t word = 0;  // varint, or 4 or 8 bytes
  bool has_bytes = false;
  std::string_view bytes;  // text, a message, or packed numbers

  std::int64_t integer() const { return static_cast<std::int64_t>(word); }
  float single() const;  // of 4 bytes
};

// Reads one message field by field, never beyond its end. Throws UsageError naming `name` where it is malformed. The
// text must outlive the reader and its fields.
class WireReader {
 public:
  WireReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool next(WireField& field);  // false at the end

  // Packed numbers, as repeated fields of numbers may be written.
  std::vector<std::int64_t> varints();
  std::vector<float> singles();

 private:
  [[noreturn]] void malformed(const char* what) const;
  std::uint64_t varint();
  std::uint64_t fixed(size_t size);
  std::string_view take(std::uint64_t size);

  std::string_view text_;
  const std::string& name_;
};

}  // namespace gradproof
