#include "onnx/protobuf.h"

#include <bit>
#include <cstring>

#include "ops/core/error.h"

namespace gradproof {
namespace {

enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
constexpr std::uint64_t kLargestNumber = (1 << 29) - 1;

}  // namespace

float WireField::single() const { return std::bit_cast<float>(static_cast<std::uint32_t>(word)); }

void WireReader::malformed(const char* what) const {
  refuse("'{}' is no protocol buffer as ONNX writes it ({}); copy or write it again", name_, what);
}

std::string_view WireReader::take(std::uint64_t size) {
  if (size > text_.size()) malformed("it ends within a field");
  const std::string_view taken = text_.substr(0, size);
  text_.remove_prefix(size);
  return taken;
}

std::uint64_t WireReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  malformed("a number does not end");
}

std::uint64_t WireReader::fixed(size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, take(size).data(), size);  // little-endian, as this machine (cli/npy.cc asserts it)
  return value;
}

bool WireReader::next(WireField& field) {
  if (text_.empty()) return false;
  const std::uint64_t tag = varint();
  const std::uint64_t number = tag >> 3;
  if (number == 0 || number > kLargestNumber) malformed("a field has no number");
  field = {};
  field.number = static_cast<int>(number);
  switch (tag & 7) {
    case kVarint:
      field.word = varint();
      return true;
    case kFixed64:
      field.word = fixed(8);
      return true;
    case kFixed32:
      field.word = fixed(4);
      return true;
    case kBytes:
      field.has_bytes = true;
      field.bytes = take(varint());
      return true;
    default:
      malformed("a field is of an unknown kind");
  }
}

std::vector<std::int64_t> WireReader::varints() {
  std::vector<std::int64_t> values;
  while (!text_.empty()) values.push_back(static_cast<std::int64_t>(varint()));
  return values;
}

std::vector<float> WireReader::singles() {
  std::vector<float> values;
  while (!text_.empty()) values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(fixed(4))));
  return values;
}

}  // namespace gradproof
