#include "cli/npy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "cli/npy_fixture.h"
#include "ops/core/atomic_file.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

// A file of version 1.0 with this header and these data.
std::string file_with(const std::string& header, const std::string& data = "") {
  std::string text("\x93NUMPY\1\0", 8);
  text += static_cast<char>(header.size() % 256);
  text += static_cast<char>(header.size() / 256);
  return text + header + data;
}

std::string refusal(std::string_view file) {
  try {
    parse_npy(file, "x.npy");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

void expect_round_trip(const NpyArray& array) {
  const std::string text = npy_text(array);
  EXPECT_EQ((text.size() - array.data.size()) % 64, 0U) << "data is aligned as NumPy aligns it";
  const NpyArray again = parse_npy(text, "again.npy");
  EXPECT_EQ(again.type, array.type);
  EXPECT_EQ(again.shape, array.shape);
  EXPECT_EQ(again.data, array.data);
}

TEST(Npy, RoundTripsEveryTypeAndRank) {
  expect_round_trip(array_of<float>(NpyType::kFloat32, {2, 3}, {0, -0.0F, 1, NAN, INFINITY, 1e-45F}));
  expect_round_trip(array_of<double>(NpyType::kFloat64, {3}, {0.1, -1e300, 5e-324}));
  expect_round_trip(array_of<std::uint8_t>(NpyType::kUint8, {1, 1, 2, 1, 1, 2}, {0, 1, 128, 255}));
  expect_round_trip(array_of<std::int32_t>(NpyType::kInt32, {}, {-7}));
  expect_round_trip(array_of<float>(NpyType::kFloat32, {2, 0, 3}, {}));
}

TEST(Npy, HeadersOfEveryLengthStayAligned) {
  for (Index size = 1; size < 2000000; size = size * 3 + 1)
    expect_round_trip({NpyType::kUint8, {1, size, 1}, std::string(static_cast<size_t>(size), 'x')});
}

TEST(Npy, PromotionIsExact) {
  EXPECT_EQ(array_of<float>(NpyType::kFloat32, {2}, {0.1F, -2}).as_doubles(),
            (std::vector<double>{static_cast<double>(0.1F), -2}));
  EXPECT_EQ(array_of<std::int32_t>(NpyType::kInt32, {1}, {-7}).as_doubles(), std::vector<double>{-7});
  EXPECT_EQ(array_of<std::uint8_t>(NpyType::kUint8, {1}, {200}).as_doubles(), std::vector<double>{200});
  EXPECT_EQ(array_of<double>(NpyType::kFloat64, {1}, {0.1}).as_doubles(), std::vector<double>{0.1});
}

TEST(Npy, ReadsWhatNumPyMayWrite) {
  const std::string four(4, '\0');
  EXPECT_EQ(refusal(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }    \n", four)), "");
  EXPECT_EQ(refusal(file_with("{'shape':(1,1),'fortran_order':False,'descr':'<f4'}", four)), "");
  EXPECT_EQ(refusal(file_with("{\"descr\": \"<f4\", 'fortran_order': False, 'shape': ()}", four)), "");
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
  for (char version : {'\2', '\3'}) {
    const std::string size{static_cast<char>(header.size()), '\0', '\0', '\0'};
    EXPECT_EQ(refusal("\x93NUMPY" + std::string{version, '\0'} + size + header + four), "");
  }
}

TEST(Npy, MalformedHeadersAreRefusedInOneSentence) {
  EXPECT_EQ(refusal(""), "'x.npy' is not a .npy file; write it with numpy.save");
  EXPECT_EQ(refusal("PK\3\4"), "'x.npy' is not a .npy file; write it with numpy.save");
  EXPECT_EQ(refusal("\x93NUMPY"), "'x.npy' is of .npy version 0; 1 to 3 are known");
  EXPECT_EQ(refusal(std::string_view("\x93NUMPY\x09\0\0\0", 10)), "'x.npy' is of .npy version 9; 1 to 3 are known");
  const char* malformed[] = {
      "",
      "{",
      "{}",
      "[]",
      "{'descr': '<f4', 'fortran_order': False}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} 7",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1, -1)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
      "{'descr: <f4, fortran_order: False, shape: (1,)}",
      "{'colour': 'red', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
  };
  for (const char* header : malformed) {
    const std::string sentence = refusal(file_with(header, std::string(4, '\0')));
    EXPECT_TRUE(sentence.starts_with("'x.npy' has a malformed .npy header (")) << header << ": " << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos);
  }
}

TEST(Npy, FortranOrderBecomesRowMajor) {
  const std::string header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}";
  const NpyArray array = parse_npy(file_with(header, std::string("\1\4\2\5\3\6", 6)), "x.npy");
  EXPECT_EQ(array.shape, (Shape{2, 3}));
  EXPECT_EQ(array.as_doubles(), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  const std::string row = "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)}";
  EXPECT_EQ(parse_npy(file_with(row, array_of<float>(NpyType::kFloat32, {2}, {3, -7}).data), "x.npy").as_doubles(),
            (std::vector<double>{3, -7}));
  EXPECT_EQ(refusal(file_with("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 0, 3)}")), "");
}

TEST(Npy, LongHeadersAreRefusedBeforeTheyAreRead) {
  EXPECT_EQ(refusal(std::string("\x93NUMPY\2\0\xff\xff\xff\x7f{", 13)),
            "'x.npy' has a malformed .npy header (2147483647 bytes long); write it with numpy.save");
}

TEST(Npy, HugeShapesAreRefusedBeforeMemoryIsTaken) {
  const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000, 1000)}";
  EXPECT_EQ(refusal(file_with(header, "12345678")),
            "'x.npy' holds 8 bytes of data, but float64 of shape 1000000x1000000x1000 takes 8000000000000000; copy or "
            "write it again");
  const std::filesystem::path path = testing::TempDir() + "huge.npy";
  write_file(path, file_with(header));
  EXPECT_THROW(NpyFile{path}, UsageError) << "by its header and size";
  std::filesystem::remove(path);
}

TEST(Npy, OtherTypesAreRefused) {
  EXPECT_EQ(refusal(file_with("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", "abcd")),
            "'x.npy' has elements of type '>f4', which is none of float32 float64 uint8 int32; convert it with astype");
  EXPECT_EQ(refusal(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1)}", "abcd")),
            "'x.npy' has more than 6 axes, which no tensor here has");
}

TEST(Npy, DataOfTheWrongLengthAreRefused) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}";
  EXPECT_EQ(refusal(file_with(header, std::string(23, '\0'))),
            "'x.npy' holds 23 bytes of data, but float32 of shape 2x3 takes 24; copy or write it again");
  EXPECT_NE(refusal(file_with(header, std::string(25, '\0'))), "");
  EXPECT_EQ(refusal(file_with(header, std::string(24, '\0'))), "");
  EXPECT_NE(refusal(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}")), "")
      << "2^64 elements are not none";
}

TEST(Npy, EveryTruncationIsRefused) {
  const std::string whole = npy_text(array_of<float>(NpyType::kFloat32, {2, 2}, {1, 2, 3, 4}));
  ASSERT_EQ(refusal(whole), "");
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(refusal(std::string_view(whole).substr(0, length)), "") << length;
}

TEST(Npy, UnreadableFilesAreRefused) {
  EXPECT_THROW(read_npy("no/such/file.npy"), UsageError);
  EXPECT_THROW(read_npy(testing::TempDir()), UsageError);
}

TEST(Npy, NumPyReadsOursAndWeReadNumPys) {
  if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "python3 with numpy is not installed";
  std::string pattern = testing::TempDir() + "gradproofXXXXXX";
  const std::filesystem::path directory = mkdtemp(pattern.data());
  write_file(directory / "ours.npy", npy_text(array_of<float>(NpyType::kFloat32, {2, 3}, {0, 1, 2, 3, 4, 5.5F})));
  const std::string script =
      "import numpy\n"
      "a = numpy.load('ours.npy')\n"
      "assert a.dtype == 'float32' and a.shape == (2, 3) and a[1, 2] == 5.5\n"
      "numpy.save('theirs.npy', a.astype('float64') * 2)\n";
  write_file(directory / "script.py", script);
  EXPECT_EQ(std::system(("cd '" + directory.string() + "' && python3 script.py").c_str()), 0);
  const NpyArray theirs = read_npy(directory / "theirs.npy");
  EXPECT_EQ(theirs.type, NpyType::kFloat64);
  EXPECT_EQ(theirs.shape, (Shape{2, 3}));
  EXPECT_EQ(theirs.as_doubles(), (std::vector<double>{0, 2, 4, 6, 8, 11}));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace gradproof
