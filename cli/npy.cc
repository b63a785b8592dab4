#include "cli/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <sstream>

#include "ops/core/error.h"

namespace gradproof {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are read and written as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr Index kLongestHeader = 1 << 16;  // some 100 bytes are usual
constexpr Index kPortion = 1 << 20;        // of data: memory grows only with what is really there

struct TypeName {
  NpyType type;
  const char* descr;
  const char* name;
  Index size;
};
constexpr TypeName kTypes[] = {{NpyType::kFloat32, "<f4", "float32", 4},
                               {NpyType::kFloat64, "<f8", "float64", 8},
                               {NpyType::kUint8, "|u1", "uint8", 1},
                               {NpyType::kInt32, "<i4", "int32", 4}};

const TypeName& describe(NpyType type) { return kTypes[static_cast<size_t>(type)]; }

// Reads the header: a Python dictionary with the keys descr, fortran_order and shape, in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        once(type_, key) = element_type(quoted());
      } else if (key == "fortran_order") {
        once(fortran_, key) = boolean();
      } else if (key == "shape") {
        once(shape_, key) = tuple();
      } else {
        malformed("unknown key " + key);
      }
      if (!accept(',') && peek() != '}') malformed("',' or '}' is missing");
    }
    if (peek() != 0) malformed("there is more behind '}'");
    if (!type_ || !fortran_ || !shape_) malformed("descr, fortran_order or shape is missing");
    return {*type_, *fortran_, *shape_};
  }

 private:
  [[noreturn]] void malformed(const std::string& what) const {
    refuse("'{}' has a malformed .npy header ({}); write it with numpy.save", name_, what);
  }

  template <class T>
  std::optional<T>& once(std::optional<T>& value, const std::string& key) const {
    if (value) malformed(key + " is there twice");
    return value;
  }

  char peek() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
    return text_.empty() ? '\0' : text_[0];
  }
  bool accept(char c) {
    if (peek() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed(fmt::format("'{}' is missing", c));
  }

  std::string quoted() {
    const char quote = peek() == '"' ? '"' : '\'';
    expect(quote);
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) malformed("a string does not end");
    const std::string value(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return value;
  }

  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair{"True", true}, std::pair{"False", false}}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(std::strlen(word));
      return value;
    }
    malformed("fortran_order is neither True nor False");
  }

  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.rank() == kMaxRank) refuse("'{}' has more than {} axes, which no tensor here has", name_, kMaxRank);
      peek();
      Index size = -1;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) malformed("shape is not a tuple of sizes");
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      shape.push_back(size);
      if (!accept(',') && peek() != ')') malformed("shape is not a tuple of sizes");
    }
    return shape;
  }

  NpyType element_type(const std::string& descr) const {
    std::vector<const char*> names;
    for (const TypeName& known : kTypes) {
      if (descr == known.descr) return known.type;
      names.push_back(known.name);
    }
    refuse("'{}' has elements of type '{}', which is none of {}; convert it with astype", name_, descr,
           fmt::join(names, " "));
  }

  std::string_view text_;
  const std::string& name_;
  std::optional<NpyType> type_;
  std::optional<bool> fortran_;
  std::optional<Shape> shape_;
};

Index little_endian(std::string_view bytes) {
  Index value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value * 256 + static_cast<unsigned char>(bytes[i]);
  return value;
}

template <class T>
std::vector<double> promoted(const std::string& data) {
  std::vector<double> values(data.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, data.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
  return values;
}

// Up to `length` bytes; fewer where the stream ends.
std::string read_bytes(std::istream& stream, Index length) {
  std::string bytes;
  while (stream && length > 0) {
    const auto before = bytes.size();
    const auto portion = static_cast<size_t>(std::min(length, kPortion));
    bytes.resize(before + portion);
    stream.read(bytes.data() + before, static_cast<std::streamsize>(portion));
    bytes.resize(before + static_cast<size_t>(stream.gcount()));
    length -= static_cast<Index>(portion);
  }
  return bytes;
}

NpyHeader read_header(std::istream& stream, const std::string& name) {
  const std::string begin = read_bytes(stream, 8);
  if (!begin.starts_with(kMagic)) refuse("'{}' is not a .npy file; write it with numpy.save", name);
  const int version = begin.size() > 6 ? begin[6] : 0;
  if (version < 1 || version > 3) refuse("'{}' is of .npy version {}; 1 to 3 are known", name, version);
  const Index length_size = version == 1 ? 2 : 4;
  const std::string length_bytes = read_bytes(stream, length_size);
  const Index length = little_endian(length_bytes);
  if (length > kLongestHeader)
    refuse("'{}' has a malformed .npy header ({} bytes long); write it with numpy.save", name, length);
  const std::string header = read_bytes(stream, length);
  if (static_cast<Index>(length_bytes.size()) < length_size || static_cast<Index>(header.size()) < length)
    refuse("'{}' ends within its header; copy or write it again", name);
  return HeaderParser(header, name).parse();
}

// May exceed what an Index holds.
double byte_count(const NpyHeader& header) {
  return static_cast<double>(item_size(header.type)) * unchecked_count(header.shape);
}

void require_length(const NpyHeader& header, double bytes, const std::string& name) {
  if (bytes == byte_count(header)) return;
  refuse("'{}' holds {:.0f} bytes of data, but {} of shape {} takes {:.0f}; copy or write it again", name, bytes,
         to_text(header.type), shape_text(header.shape), byte_count(header));
}

std::string from_fortran_order(const NpyHeader& header, const std::string& data) {
  const auto size = static_cast<size_t>(item_size(header.type));
  std::string reordered;
  reordered.reserve(data.size());
  Position position = Position::filled(header.shape.rank(), 0);
  while (reordered.size() < data.size()) {
    Index linear = 0;
    for (int axis = header.shape.rank(); axis-- > 0;) linear = linear * header.shape[axis] + position[axis];
    reordered.append(data, static_cast<size_t>(linear) * size, size);
    advance(position, header.shape);
  }
  return reordered;
}

// What is left of the stream.
NpyArray read_data(std::istream& stream, const NpyHeader& header, const std::string& name) {
  constexpr double kMost = 0x1p62;
  NpyArray array{header.type, header.shape, {}};
  array.data = read_bytes(stream, static_cast<Index>(std::min(byte_count(header), kMost)));
  const Index more = stream ? static_cast<Index>(read_bytes(stream, kPortion).size()) : 0;
  require_length(header, static_cast<double>(array.data.size()) + static_cast<double>(more), name);
  if (header.fortran_order) array.data = from_fortran_order(header, array.data);
  return array;
}

}  // namespace

Index item_size(NpyType type) { return describe(type).size; }
const char* to_text(NpyType type) { return describe(type).name; }

std::vector<double> NpyArray::as_doubles() const {
  switch (type) {
    case NpyType::kFloat32:
      return promoted<float>(data);
    case NpyType::kFloat64:
      return promoted<double>(data);
    case NpyType::kUint8:
      return promoted<std::uint8_t>(data);
    case NpyType::kInt32:
      break;
  }
  return promoted<std::int32_t>(data);
}

NpyFile::NpyFile(const std::filesystem::path& path) : name_(path.string()) {
  if (!std::filesystem::is_directory(path)) stream_.open(path, std::ios::binary);
  if (!stream_.is_open()) refuse("cannot read '{}'; name a .npy file that is there", name_);
  header_ = read_header(stream_, name_);
  if (std::filesystem::is_regular_file(path))
    require_length(header_,
                   static_cast<double>(std::filesystem::file_size(path)) - static_cast<double>(stream_.tellg()), name_);
}

NpyArray NpyFile::read() { return read_data(stream_, header_, name_); }

NpyArray read_npy(const std::filesystem::path& path) { return NpyFile(path).read(); }

NpyArray parse_npy(std::string_view file, const std::string& name) {
  std::istringstream stream{std::string(file)};
  const NpyHeader header = read_header(stream, name);
  return read_data(stream, header, name);
}

std::string npy_text(const NpyArray& array) {
  const std::string comma = array.shape.rank() == 1 ? "," : "";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   describe(array.type).descr, fmt::join(array.shape, ", "), comma);
  const size_t prefix = kMagic.size() + 4;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string text(kMagic);
  text += {'\1', '\0', static_cast<char>(header.size() % 256), static_cast<char>(header.size() / 256)};
  return text + header + array.data;
}

}  // namespace gradproof
