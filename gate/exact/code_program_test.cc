// Same code in this build: a kernel with one bit changed is noticed, by those operations alone that run it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "gate/exact/code.h"
#include "gate/exact/elf_image.h"
#include "ops/register.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

// Large enough to be run: of small ones some are destructors that were inlined wherever they are called.
std::vector<ElfSymbol> kernel_functions(const ElfImage& image) {
  std::vector<ElfSymbol> result;
  for (const ElfSymbol& symbol : image.symbols)
    if (symbol.function && symbol.size > 300 && symbol.name.find("6N_AVX2") != std::string::npos)
      result.push_back(symbol);
  return result;
}

void flip_a_bit(const ElfImage& image, const ElfSymbol& function, const fs::path& file) {
  const ElfSection& section = *image.section_at(function.address);
  const auto at = section.bytes.data() - image.file->data() + (function.address + function.size / 2 - section.address);
  std::string bytes = *image.file;
  bytes[static_cast<std::size_t>(at)] ^= 8;
  std::ofstream(file, std::ios::binary) << bytes;
}

TEST(SameCodeOfThisBuild, ABitOfAKernelIsNoticedByItsOperations) {
  const ElfImage image = read_elf(GRADPROOF_PROGRAM);
  const CodeIndex built(GRADPROOF_PROGRAM);
  if (built.unknown().find("objdump") != std::string::npos) GTEST_SKIP() << built.unknown();
  const Registry operations = register_operations();
  const std::vector<ElfSymbol> kernels = kernel_functions(image);
  if (kernels.empty()) GTEST_SKIP() << "no AVX2 in this build";
  const fs::path patched = fs::path(testing::TempDir()) / "gradproof_patched";
  for (std::size_t which : {kernels.size() / 3, kernels.size() * 2 / 3}) {
    flip_a_bit(image, kernels[which], patched);
    const CodeIndex other(patched);
    std::size_t differing = 0;
    for (const auto& operation : operations.operations()) {
      const auto& [name, family] = std::tie(operation->spec.name, operation->spec.family);
      ASSERT_TRUE(built.closure_hash(name, family)) << name;
      differing += same_code(built, other, name, family) ? 0 : 1;
    }
    EXPECT_GT(differing, 0U) << kernels[which].name;
    EXPECT_LT(differing, operations.operations().size()) << kernels[which].name;
  }
  fs::remove(patched);
}

}  // namespace
}  // namespace gradproof
