#include "gate/exact/code_map.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gradproof {
namespace {

constexpr Address kWord = 8;

template <class T>
std::span<const T> between(const std::vector<T>& sorted, Address begin, Address end) {
  const auto before = [](const T& entry, Address address) { return entry.address < address; };
  const auto first = std::lower_bound(sorted.begin(), sorted.end(), begin, before);
  return {first, std::lower_bound(first, sorted.end(), end, before)};
}

bool is_stub(const ElfSection& section) { return section.name.starts_with(".plt"); }
bool is_offset_table(const ElfSection& section) { return section.name.starts_with(".got"); }

// Symbols that overlap are one: aliases, and functions with several entries.
std::vector<Extent> without_overlaps(std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  std::vector<Extent> result;
  for (const Extent& extent : extents) {
    if (result.empty() || result.back().end <= extent.begin) {
      result.push_back(extent);
      continue;
    }
    result.back().end = std::max(result.back().end, extent.end);
    result.back().vtable = result.back().vtable && extent.vtable;
  }
  return result;
}

}  // namespace

bool Extent::variable() const {
  return section->writable && !section->name.starts_with(".data.rel.ro") && !is_offset_table(*section) &&
         !section->name.ends_with("_array") && section->name != ".dynamic";
}

CodeMap::CodeMap(ElfImage image, std::vector<CodeReference> references)
    : image_(std::move(image)), references_(std::move(references)) {
  const auto by_address = [](const auto& a, const auto& b) { return a.address < b.address; };
  std::sort(references_.begin(), references_.end(), by_address);
  map_symbols();
  map_cold_parts();
  map_boundaries();
}

void CodeMap::map_symbols() {
  for (const ElfSymbol& symbol : image_.symbols) {
    const ElfSection* section = image_.section_at(symbol.address);
    if (section == nullptr) continue;
    if (symbol.function) names_.emplace(symbol.name, symbol.address);
    if (symbol.size == 0 || is_stub(*section)) continue;
    const bool vtable = symbol.name.starts_with("_ZTV") || symbol.name.starts_with("_ZTC");
    const Extent extent{symbol.address, std::min(symbol.address + symbol.size, section->address + section->size),
                        section, true, vtable};
    if (section->code && symbol.function) functions_.push_back(extent);
    if (!section->code) objects_.push_back(extent);
  }
  functions_ = without_overlaps(std::move(functions_));
  objects_ = without_overlaps(std::move(objects_));
}

// Local functions of several files may have the same name; each has the cold part of its own file.
void CodeMap::map_cold_parts() {
  constexpr std::string_view kCold = ".cold";
  std::multimap<std::string_view, const ElfSymbol*> cold;  // by the name of the whole
  for (const ElfSymbol& symbol : image_.symbols) {
    const std::size_t end = symbol.name.rfind(kCold);
    if (symbol.function && end != std::string::npos && end > 0)
      cold.emplace(std::string_view(symbol.name).substr(0, end), &symbol);
  }
  for (const ElfSymbol& whole : image_.symbols) {
    if (!whole.function) continue;
    const auto [first, last] = cold.equal_range(whole.name);
    for (auto at = first; at != last; ++at)
      if (whole.file == 0 || whole.file == at->second->file) cold_parts_[whole.address].push_back(at->second->address);
  }
}

void CodeMap::map_boundaries() {
  for (const ElfSection& section : image_.sections) {
    boundaries_.push_back(section.address);
    boundaries_.push_back(section.address + section.size);
    if (is_offset_table(section))
      for (Address at = section.address; at < section.address + section.size; at += kWord) boundaries_.push_back(at);
  }
  for (const ElfSymbol& symbol : image_.symbols) {
    boundaries_.push_back(symbol.address);
    boundaries_.push_back(symbol.address + symbol.size);
  }
  for (const CodeReference& reference : references_)
    if (!reference.jump) boundaries_.push_back(reference.target);
  for (const ElfRelocation& relocation : image_.relocations)
    if (relocation.import.empty()) boundaries_.push_back(static_cast<Address>(relocation.target));
  std::sort(boundaries_.begin(), boundaries_.end());
  boundaries_.erase(std::unique(boundaries_.begin(), boundaries_.end()), boundaries_.end());
}

std::optional<Extent> CodeMap::symbol_at(const std::vector<Extent>& extents, Address address) const {
  const auto after = std::upper_bound(extents.begin(), extents.end(), address,
                                      [](Address a, const Extent& extent) { return a < extent.begin; });
  if (after == extents.begin() || address >= std::prev(after)->end) return std::nullopt;
  return *std::prev(after);
}

std::optional<Extent> CodeMap::find(Address address) const {
  const ElfSection* section = image_.section_at(address);
  if (section == nullptr) return std::nullopt;
  if (section->code) return symbol_at(functions_, address);
  if (const auto object = symbol_at(objects_, address)) return object;
  const auto after = std::upper_bound(boundaries_.begin(), boundaries_.end(), address);
  return Extent{*std::prev(after), *after, section, false, false};
}

std::string CodeMap::import_at(Address address) const {
  constexpr Address kStub = 16;
  const ElfSection* section = image_.section_at(address);
  if (section == nullptr || !is_stub(*section)) return "";
  for (const CodeReference& reference : between(references_, address, address + kStub))
    for (const ElfRelocation& relocation : between(image_.relocations, reference.target, reference.target + 1))
      return relocation.import;
  return "";
}

std::span<const CodeReference> CodeMap::references_in(const Extent& extent) const {
  return between(references_, extent.begin, extent.end);
}

std::span<const ElfRelocation> CodeMap::relocations_in(const Extent& extent) const {
  return between(image_.relocations, extent.begin, extent.end);
}

const std::vector<Address>& CodeMap::cold_parts(Address function) const {
  static const std::vector<Address> none;
  const auto found = cold_parts_.find(function);
  return found == cold_parts_.end() ? none : found->second;
}

std::vector<Address> CodeMap::functions(std::string_view name) const {
  std::vector<Address> result;
  const auto [first, last] = names_.equal_range(name);
  for (auto at = first; at != last; ++at) result.push_back(at->second);
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<Address> CodeMap::static_initialisers() const {
  std::vector<Address> result;
  for (const ElfSection& section : image_.sections) {
    if (section.name != ".init_array") continue;
    for (const ElfRelocation& relocation : between(image_.relocations, section.address, section.address + section.size))
      if (relocation.import.empty()) result.push_back(static_cast<Address>(relocation.target));
  }
  return result;
}

}  // namespace gradproof
