#include "gate/exact/closure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace gradproof {
namespace {

constexpr std::uint64_t kPrime = 1099511628211ULL;
constexpr std::size_t kOffsetBytes = 4;  // of an address relative to %rip, and of an entry of a jump table
constexpr std::size_t kPointerBytes = 8;

std::int32_t int32_at(std::string_view bytes, std::size_t at) {
  std::int32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

std::string_view bytes_of(const Extent& extent) {
  if (extent.section->bytes.empty()) return {};
  return extent.section->bytes.substr(extent.begin - extent.section->address, extent.size());
}

bool begins_with_zero(const Extent& extent) { return !extent.named && bytes_of(extent).starts_with('\0'); }

// Blanks the distance to the target in an instruction's bytes; false where it is not found.
bool blank_distance(std::string& bytes, std::size_t at, const CodeReference& reference) {
  const std::size_t length = std::min<std::size_t>(reference.length, bytes.size() - at);
  if (length < 2) return false;
  const auto distance = static_cast<std::int64_t>(reference.target - (reference.address + length));
  if (reference.jump) {
    const bool is_long = length > kOffsetBytes && int32_at(bytes, at + length - kOffsetBytes) == distance;
    if (!is_long && static_cast<signed char>(bytes[at + length - 1]) != distance) return false;
    const std::size_t size = is_long ? kOffsetBytes : 1;
    bytes.replace(at + length - size, size, size, '\0');
    return true;
  }
  // Behind the operation and the byte that says "relative to %rip", and before an immediate operand.
  for (std::size_t i = at + 2; i + kOffsetBytes <= at + length; ++i)
    if (int32_at(bytes, i) == distance) {
      bytes.replace(i, kOffsetBytes, kOffsetBytes, '\0');
      return true;
    }
  return false;
}

// The bytes with nothing where pointers are.
std::string without_pointers(const CodeMap& map, const Extent& extent) {
  std::string bytes(bytes_of(extent));
  for (const ElfRelocation& relocation : map.relocations_in(extent)) {
    const std::size_t at = relocation.address - extent.begin;
    if (at < bytes.size()) bytes.replace(at, std::min(kPointerBytes, bytes.size() - at), kPointerBytes, '\0');
  }
  return bytes;
}

// The entries of a switch's jump table: distances from the table to places in one function. Empty for anything else.
std::vector<Address> jump_table(const CodeMap& map, const Extent& extent) {
  const std::string_view bytes = bytes_of(extent);
  std::vector<Address> targets;
  if (extent.named || extent.section->writable) return targets;
  std::optional<Extent> function;
  for (std::size_t at = 0; at + kOffsetBytes <= bytes.size(); at += kOffsetBytes) {
    const Address target = extent.begin + static_cast<Address>(static_cast<std::int64_t>(int32_at(bytes, at)));
    const bool is_padding = target == extent.begin && !targets.empty();
    if (is_padding) continue;
    const auto found = map.find(target);
    if (!found || !found->code()) return {};
    if (!function) function = found;
    const std::vector<Address>& cold = map.cold_parts(function->begin);
    if (found->begin != function->begin && std::find(cold.begin(), cold.end(), found->begin) == cold.end()) return {};
    targets.push_back(target);
  }
  return targets;
}

}  // namespace

void CodeHash::add(std::string_view bytes) {
  add(bytes.size());
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    a_ = (a_ ^ value) * kPrime;
    b_ = (b_ + value) * 6364136223846793005ULL;
    b_ ^= b_ >> 29;
  }
}

void CodeHash::add(std::uint64_t number) {
  for (int i = 0; i < 8; ++i, number >>= 8) {
    const std::uint64_t value = number & 255;
    a_ = (a_ ^ value) * kPrime;
    b_ = (b_ + value) * 6364136223846793005ULL;
    b_ ^= b_ >> 29;
  }
}

std::string CodeHash::text() const { return fmt::format("{:016x}{:016x}", a_, b_); }

void Closure::add(Address root) {
  refer(root);
  while (!pending_.empty()) {
    const Extent extent = pending_.front();
    pending_.pop_front();
    visit(extent);
  }
}

void Closure::visit(const Extent& extent) {
  hash_.add(numbers_.at(extent.begin));
  hash_.add(extent.size());
  if (extent.code()) return visit_code(extent);
  if (extent.variable()) variables_.insert(extent.begin);
  visit_data(extent);
}

void Closure::visit_code(const Extent& extent) {
  std::string bytes(bytes_of(extent));
  std::vector<const CodeReference*> leaving;
  open_ |= !map_.relocations_in(extent).empty();
  for (const CodeReference& reference : map_.references_in(extent)) {
    if (extent.begin <= reference.target && reference.target < extent.end) continue;
    open_ |= !blank_distance(bytes, reference.address - extent.begin, reference);
    leaving.push_back(&reference);
  }
  hash_.add(bytes);
  for (const CodeReference* reference : leaving) {
    hash_.add(reference->address - extent.begin);
    if (reference->jump)
      refer(reference->target);
    else if (reference->width == 0)
      refer_taken(reference->target);
    else
      refer_data(reference->target, reference->width);
  }
  for (Address part : map_.cold_parts(extent.begin)) refer(part);
}

void Closure::visit_data(const Extent& extent) {
  if (visit_jump_table(extent)) return;
  hash_.add(without_pointers(map_, extent));
  for (const ElfRelocation& relocation : map_.relocations_in(extent)) {
    hash_.add(relocation.address - extent.begin);
    hash_.add(relocation.import);
    if (relocation.import.empty())
      refer_taken(static_cast<Address>(relocation.target));
    else
      hash_.add(static_cast<std::uint64_t>(relocation.target));
  }
}

bool Closure::visit_jump_table(const Extent& extent) {
  const std::vector<Address> targets = jump_table(map_, extent);
  for (Address target : targets) refer(target);
  return !targets.empty();
}

void Closure::refer(Address target) {
  const std::string import = map_.import_at(target);
  hash_.add(import);
  if (!import.empty()) return;
  const auto extent = map_.find(target);
  if (!extent)
    open_ = true;
  else
    refer_extent(*extent, target);
}

void Closure::refer_extent(const Extent& extent, Address target) {
  const auto [at, is_new] = numbers_.emplace(extent.begin, numbers_.size());
  if (is_new) pending_.push_back(extent);
  hash_.add(at->second);
  hash_.add(target - extent.begin);
}

void Closure::refer_data(Address target, std::uint8_t width) {
  for (Address at = target; at < target + width;) {
    const auto extent = map_.find(at);
    if (!extent && at == target) open_ = true;
    if (!extent) return;
    const Address end = std::min(extent->end, target + width);
    if (is_constant(*extent))
      hash_.add(bytes_of(*extent).substr(at - extent->begin, end - at));
    else
      refer_extent(*extent, at);
    at = extent->end;
  }
}

// Of a constant without a name no more is read than the instruction does; where the next one begins is no matter of it.
bool Closure::is_constant(const Extent& extent) const {
  return !extent.named && !extent.section->writable && map_.relocations_in(extent).empty();
}

// Compilers fold what is added to an index into the address: it may lie behind the object's end, or before its
// beginning (table - 'a'). So both neighbours count too, unless a beginning was taken: then the one before is only
// looked at, as its end may have been meant. Of data without names only the ends of texts are taken, at their zeros.
void Closure::refer_taken(Address target) {
  const ElfSection* section = map_.image().section_at(target);
  if (section != nullptr && section->code) return refer(target);
  const auto extent = map_.find(target);
  const auto before = map_.find((extent ? extent->begin : target) - 1);
  if (!extent && (!before || before->code())) open_ = true;
  if (extent) refer_extent(*extent, target);
  if (extent && extent->vtable) return;
  const bool is_beginning = extent && target == extent->begin;
  const bool is_data = before && !before->code();
  if (is_data && is_beginning && (before->named || begins_with_zero(*extent))) glance_at(*before);
  if (is_data && !is_beginning) refer_extent(*before, before->end);
  if (!extent || is_beginning) return;
  const auto after = map_.find(extent->end);
  if (after && !after->code()) refer_extent(*after, after->begin);
}

// Of data without a name, at what lies behind the last zero: the text that ends here.
void Closure::glance_at(const Extent& extent) {
  const std::vector<Address> targets = jump_table(map_, extent);
  if (targets.empty() && is_constant(extent)) {
    const std::string_view bytes = bytes_of(extent);
    const std::size_t last = bytes.find_last_not_of('\0');
    return hash_.add(last == bytes.npos ? bytes.substr(0, 0) : bytes.substr(bytes.find_last_of('\0', last) + 1));
  }
  for (Address target : targets) hash_.add(target - map_.find(target)->begin);
  if (targets.empty()) hash_.add(without_pointers(map_, extent));
}

}  // namespace gradproof
