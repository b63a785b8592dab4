// ElfImage: the parts of an executable that say what its code refers to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gradproof {

using Address = std::uint64_t;

struct ElfSection {
  std::string name;
  Address address = 0;
  std::uint64_t size = 0;
  std::string_view bytes;  // empty where the file holds none (.bss)
  bool code = false, writable = false;

  bool holds(Address a) const { return a - address < size; }
};

struct ElfSymbol {
  std::string name;
  Address address = 0;
  std::uint64_t size = 0;
  bool function = false, object = false;
  int file = 0;  // a number for the source file that a local symbol comes of; 0 for those that all files share
};

struct ElfRelocation {
  Address address = 0;
  std::string
      import;  // what the loader looks up by name; empty for an address within the executable, which is `target`
  std::int64_t target = 0;  // or what is added to the import's address
};

struct ElfImage {
  std::unique_ptr<const std::string> file;  // the sections' bytes are views of it
  std::vector<ElfSection> sections;         // those that are loaded, by address
  std::vector<ElfSymbol> symbols;
  std::vector<ElfRelocation> relocations;  // by address

  // Null where no loaded section lies there.
  const ElfSection* section_at(Address address) const;
};

// Why it cannot be read is thrown as std::runtime_error: only position-independent x86-64 executables with a symbol
// table say enough.
ElfImage read_elf(const std::filesystem::path& path);

}  // namespace gradproof
