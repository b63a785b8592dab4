// CodeMap: which function or object an address of an executable belongs to, and what its code and data refer to.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gate/exact/disassembly.h"
#include "gate/exact/elf_image.h"

namespace gradproof {

// A function, an object, or a stretch of data without a name, which goes on to the next address that anything refers
// to.
struct Extent {
  Address begin = 0, end = 0;
  const ElfSection* section = nullptr;
  bool named = false;   // a symbol has this size
  bool vtable = false;  // which is referred to behind its head, by the ABI

  bool code() const { return section->code; }
  // Not what the loader alone writes.
  bool variable() const;
  std::uint64_t size() const { return end - begin; }
};

class CodeMap {
 public:
  CodeMap(ElfImage image, std::vector<CodeReference> references);
  CodeMap(const CodeMap&) = delete;
  CodeMap& operator=(const CodeMap&) = delete;

  const ElfImage& image() const { return image_; }

  // Nothing where no symbol or section holds the address.
  std::optional<Extent> find(Address address) const;
  // What a jump to a stub of the procedure linkage table ends in; empty elsewhere.
  std::string import_at(Address address) const;

  std::span<const CodeReference> references_in(const Extent& extent) const;
  std::span<const ElfRelocation> relocations_in(const Extent& extent) const;

  // The parts of a function that the compiler moved away because they are run seldom: "name.cold".
  const std::vector<Address>& cold_parts(Address function) const;
  // Where the functions of this name begin.
  std::vector<Address> functions(std::string_view name) const;
  std::vector<Address> static_initialisers() const;

 private:
  void map_symbols();
  void map_cold_parts();
  void map_boundaries();
  std::optional<Extent> symbol_at(const std::vector<Extent>& extents, Address address) const;

  ElfImage image_;
  std::vector<CodeReference> references_;
  std::vector<Extent> functions_, objects_;  // by address, none within another
  std::vector<Address> boundaries_;          // between data without names
  std::map<Address, std::vector<Address>> cold_parts_;
  std::multimap<std::string, Address, std::less<>> names_;
};

}  // namespace gradproof
