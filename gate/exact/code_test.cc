// Same code: small programs that differ in one place, and what cannot be known.
#include "gate/exact/code.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "gate/exact/elf_image.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

// Three operations and a family of one. They reach their code by a dispatch table and a constant (conv), by a vtable, a
// jump table and a named table (pool), by a variable with an initialiser (relu), and by a text (step).
constexpr const char* kProgram = R"(
#include <cstdlib>
#include <cstring>
#ifndef SCALE
#define SCALE 3.25f
#endif
#ifndef LAST
#define LAST 8
#endif
#ifndef SIXTH
#define SIXTH x / 3
#endif
#ifndef BLOCK
#define BLOCK 64
#endif
#ifndef TEXT
#define TEXT "some text"
#endif
#ifndef WIDE
#define WIDE wide
#endif
#define APART __attribute__((noinline, noclone))

#ifdef MORE
namespace before {
APART float more(float x) { return x * 12345.75f + std::strlen("more text that nobody knew"); }
}
#endif

namespace gradproof {
volatile float source = 2;

namespace {
APART float WIDE(float x) { return x * SCALE; }
APART float narrow(float x) { return x - 7.5f; }
float (*const kDispatch[])(float) = {WIDE, narrow};
const int kTable[8] = {1, 2, 3, 4, 5, 6, 7, LAST};
APART int measured() { return std::getenv("HOME") ? BLOCK : 1; }
int block = measured();

APART float by_case(int which, float x) {
  switch (which) {
    case 0: return x + source;
    case 1: return narrow(x);
    case 2: source = x; return 1;
    case 3: return x * x;
    case 4: return std::atof("5");
    case 5: return SIXTH;
    case 6: return -x;
    default: return 0;
  }
}
}

struct Kernel {
  virtual ~Kernel() = default;
  virtual float run(float x) const = 0;
};
struct Pool final : Kernel {
  float run(float x) const override { return by_case(kTable[static_cast<int>(x) & 7], x); }
};

APART float conv_operation() { return kDispatch[source > 1](source); }
APART Kernel* pool_operation() { return new Pool; }
APART int relu_operation() { return block * 3; }
APART const char* step_operations() { return source > 1 ? TEXT : "another text"; }
}

int main() {
  using namespace gradproof;
  float sum = conv_operation() + relu_operation() + std::strlen(step_operations());
#ifdef MORE
  sum += before::more(sum);
#endif
  Kernel* kernel = pool_operation();
  sum += kernel->run(sum);
  delete kernel;
  return sum > 5;
}
)";

class SameCode : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("gradproof_code_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    std::ofstream(folder_ / "program.cc") << kProgram;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path build(const std::string& name, const std::string& options) {
    const std::string command = std::string(GRADPROOF_TEST_COMPILER) + " -O2 -fPIE -pie " + options + " '" +
                                (folder_ / "program.cc").string() + "' -o '" + (folder_ / name).string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return folder_ / name;
  }

  fs::path folder_;
};

std::set<std::string> differing(const CodeIndex& a, const CodeIndex& b) {
  std::set<std::string> result;
  for (const char* op : {"conv", "pool", "relu"})
    if (!same_code(a, b, op)) result.insert(op);
  if (!same_code(a, b, "step_sign", "step")) result.insert("step");
  return result;
}

void patch(const fs::path& file, Address at) {  // where addresses are places in the file
  std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekg(static_cast<std::streamoff>(at));
  const char old = static_cast<char>(stream.get());
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(old ^ 1));
}

TEST_F(SameCode, IsToldOfWhatChangedAndOfNothingElse) {
  const CodeIndex base(build("base", ""));
  if (base.unknown().find("objdump") != std::string::npos) GTEST_SKIP() << base.unknown();
  ASSERT_EQ(base.unknown(), "");
  const struct {
    const char* options;
    std::set<std::string> ops;
  } rows[] = {{"", {}},
              {"-DMORE", {}},  // everything moves
              {"-DWIDE=broad", {}},
              {"-g -DNDEBUG", {}},
              {"-DSCALE=3.5f", {"conv"}},
              {"-DLAST=9", {"pool"}},
              {"'-DSIXTH=x/4'", {"pool"}},
              {"-DBLOCK=32", {"relu"}},
              {"'-DTEXT=\"some test\"'", {"step"}},
              {"-DMORE -DBLOCK=32 -DLAST=9", {"pool", "relu"}}};
  for (const auto& row : rows) {
    const CodeIndex other(build("other", row.options));
    EXPECT_EQ(differing(base, other), row.ops) << row.options;
  }
}

TEST_F(SameCode, OneBitOfOneInstructionIsNoticed) {
  const fs::path base = build("base", ""), patched = folder_ / "patched";
  const CodeIndex index(base);
  if (index.unknown().find("objdump") != std::string::npos) GTEST_SKIP() << index.unknown();
  for (const ElfSymbol& symbol : read_elf(base).symbols) {
    if (symbol.name.find("4wide") == std::string::npos) continue;
    fs::copy_file(base, patched, fs::copy_options::overwrite_existing);
    patch(patched, symbol.address);
    EXPECT_EQ(differing(index, CodeIndex(patched)), std::set<std::string>{"conv"});
    return;
  }
  FAIL() << "the kernel has no symbol";
}

TEST_F(SameCode, WhatIsNotKnownIsNeverTheSame) {
  const CodeIndex base(build("base", ""));
  if (base.unknown().find("objdump") != std::string::npos) GTEST_SKIP() << base.unknown();
  EXPECT_TRUE(base.closure_hash("conv"));
  EXPECT_FALSE(base.closure_hash("conv_transpose"));
  EXPECT_FALSE(base.closure_hash("sign", "unknown family"));
  EXPECT_FALSE(same_code(base, base, "conv_transpose"));
  std::ofstream(folder_ / "text") << "this is no program, but long enough to be one: " << std::string(100, '.');
  const struct {
    fs::path file;
    const char* why;
  } rows[] = {{build("stripped", "-s"), "stripped"},
              {build("fixed", "-no-pie -fno-pie"), "position"},
              {folder_ / "text", "no ELF"},
              {folder_ / "none", "cannot be read"}};
  for (const auto& row : rows) {
    const CodeIndex index(row.file);
    EXPECT_NE(index.unknown().find(row.why), std::string::npos) << index.unknown();
    EXPECT_FALSE(same_code(index, index, "conv")) << row.file;
  }
}

TEST_F(SameCode, IsNotKnownWithoutObjdump) {
  const fs::path base = build("base", "");
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder_.c_str(), 1);
  const CodeIndex index(base);
  setenv("PATH", path.c_str(), 1);
  EXPECT_NE(index.unknown().find("objdump"), std::string::npos) << index.unknown();
  EXPECT_FALSE(same_code(index, index, "conv"));
}

TEST_F(SameCode, AFileThatIsCutOffIsNotKnown) {
  const fs::path base = build("base", "");
  const auto size = fs::file_size(base);
  for (const double part : {0.001, 0.1, 0.5, 0.9, 0.999}) {
    fs::resize_file(base, static_cast<std::uintmax_t>(part * static_cast<double>(size)));
    const CodeIndex index(base);
    EXPECT_NE(index.unknown(), "") << part;
    EXPECT_FALSE(index.closure_hash("conv")) << part;
    build("base", "");
  }
}

}  // namespace
}  // namespace gradproof
