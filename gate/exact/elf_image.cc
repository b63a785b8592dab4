#include "gate/exact/elf_image.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace gradproof {
namespace {

class ElfReader {
 public:
  explicit ElfReader(ElfImage& image) : image_(image) {}

  void read() {
    const auto header = at<Elf64_Ehdr>(0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) fail("is no ELF file");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64)
      fail("is not for x86-64");
    if (header.e_type != ET_DYN) fail("is not position-independent");
    for (std::uint64_t i = 0; i < header.e_shnum; ++i)
      headers_.push_back(at<Elf64_Shdr>(header.e_shoff + i * header.e_shentsize));
    if (header.e_shstrndx >= headers_.size()) fail("has no section names");
    for (const Elf64_Shdr& section : headers_) read_section(section, headers_[header.e_shstrndx]);
    if (image_.symbols.empty()) fail("has no symbol table; it was stripped");
    std::sort(image_.sections.begin(), image_.sections.end(), by_address<ElfSection>);
    std::sort(image_.relocations.begin(), image_.relocations.end(), by_address<ElfRelocation>);
  }

 private:
  template <class T>
  static bool by_address(const T& a, const T& b) {
    return a.address < b.address;
  }

  [[noreturn]] static void fail(const std::string& what) { throw std::runtime_error(what); }

  std::string_view bytes(std::uint64_t offset, std::uint64_t size) const {
    if (offset > image_.file->size() || size > image_.file->size() - offset) fail("is cut off");
    return std::string_view(*image_.file).substr(offset, size);
  }

  template <class T>
  T at(std::uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes(offset, sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string name_at(const Elf64_Shdr& strings, std::uint64_t offset) const {
    const std::string_view table = bytes(strings.sh_offset, strings.sh_size);
    if (offset >= table.size()) fail("has a name outside of its table");
    return std::string(table.substr(offset, table.find('\0', offset) - offset));
  }

  const Elf64_Shdr& linked(const Elf64_Shdr& section) const {
    if (section.sh_link >= headers_.size()) fail("links to a section that it lacks");
    return headers_[section.sh_link];
  }

  void read_section(const Elf64_Shdr& section, const Elf64_Shdr& names) {
    if (section.sh_type == SHT_SYMTAB) read_symbols(section);
    if (section.sh_type == SHT_RELA && (section.sh_flags & SHF_ALLOC) != 0) read_relocations(section);
    if (section.sh_type == SHT_REL) fail("has relocations of another kind");
    // Thread-local .tbss takes no room: other sections lie at its addresses.
    const bool takes_room = section.sh_type != SHT_NOBITS || (section.sh_flags & SHF_TLS) == 0;
    if ((section.sh_flags & SHF_ALLOC) == 0 || !takes_room) return;
    image_.sections.push_back(
        {name_at(names, section.sh_name), section.sh_addr, section.sh_size,
         section.sh_type == SHT_NOBITS ? std::string_view() : bytes(section.sh_offset, section.sh_size),
         (section.sh_flags & SHF_EXECINSTR) != 0, (section.sh_flags & SHF_WRITE) != 0});
  }

  void read_symbols(const Elf64_Shdr& section) {
    int file = 0;
    for (std::uint64_t at_byte = 0; at_byte + sizeof(Elf64_Sym) <= section.sh_size; at_byte += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(section.sh_offset + at_byte);
      const auto type = ELF64_ST_TYPE(symbol.st_info);
      file += type == STT_FILE ? 1 : 0;
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE) continue;
      if (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE && type != STT_GNU_IFUNC) continue;
      image_.symbols.push_back({name_at(linked(section), symbol.st_name), symbol.st_value, symbol.st_size,
                                type == STT_FUNC || type == STT_GNU_IFUNC, type == STT_OBJECT,
                                ELF64_ST_BIND(symbol.st_info) == STB_LOCAL ? file : 0});
    }
  }

  void read_relocations(const Elf64_Shdr& section) {
    for (std::uint64_t at_byte = 0; at_byte + sizeof(Elf64_Rela) <= section.sh_size; at_byte += sizeof(Elf64_Rela)) {
      const auto relocation = at<Elf64_Rela>(section.sh_offset + at_byte);
      ElfRelocation read{relocation.r_offset, "", relocation.r_addend};
      const auto type = ELF64_R_TYPE(relocation.r_info);
      if (type != R_X86_64_RELATIVE) read.import = import_of(section, relocation);
      image_.relocations.push_back(std::move(read));
    }
  }

  // "type:name", since a copy, a slot for jumps and a pointer are not the same.
  std::string import_of(const Elf64_Shdr& section, const Elf64_Rela& relocation) const {
    const Elf64_Shdr& symbols = linked(section);
    const auto symbol = at<Elf64_Sym>(symbols.sh_offset + ELF64_R_SYM(relocation.r_info) * sizeof(Elf64_Sym));
    return fmt::format("{}:{}", ELF64_R_TYPE(relocation.r_info), name_at(linked(symbols), symbol.st_name));
  }

  ElfImage& image_;
  std::vector<Elf64_Shdr> headers_;
};

}  // namespace

const ElfSection* ElfImage::section_at(Address address) const {
  auto after = std::upper_bound(sections.begin(), sections.end(), address,
                                [](Address a, const ElfSection& section) { return a < section.address; });
  if (after == sections.begin() || !std::prev(after)->holds(address)) return nullptr;
  return &*std::prev(after);
}

ElfImage read_elf(const std::filesystem::path& path) {
  ElfImage image;
  std::ifstream in(path, std::ios::binary);
  image.file =
      std::make_unique<const std::string>(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  if (image.file->empty()) throw std::runtime_error("cannot be read");
  ElfReader(image).read();
  return image;
}

}  // namespace gradproof
