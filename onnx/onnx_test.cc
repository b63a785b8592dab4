#include <gtest/gtest.h>

#include "onnx/mapping.h"
#include "onnx/protobuf.h"
#include "onnx/run.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

std::string field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number * 8 + 2), static_cast<char>(bytes.size())} + bytes;
}
std::string field(int number, char value) { return {static_cast<char>(number * 8), value}; }

std::string tensor_text(const std::string& raw) {
  return field(1, '\1') + field(1, '\2') + field(2, '\1') + field(9, raw);
}

const std::string kTwo("\0\0\x80\x3f\0\0\0\x40", 8);  // 1, 2

OnnxTensor tensor(std::vector<Index> sizes, std::vector<double> values, OnnxType type = OnnxType::kFloat) {
  return {"", static_cast<int>(type), std::move(sizes), std::move(values)};
}

std::string refusal_of(const std::string& text) {
  try {
    parse_onnx_tensor(text, "x.pb");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Protobuf, ReadsTensors) {
  const OnnxTensor read = parse_onnx_tensor(tensor_text(kTwo), "x.pb");
  EXPECT_EQ(read.sizes, (std::vector<Index>{1, 2}));
  EXPECT_EQ(read.values, (std::vector<double>{1, 2}));
  EXPECT_EQ(parse_onnx_tensor(field(1, std::string("\1\2", 2)) + field(2, '\1') + field(4, kTwo), "x.pb").values,
            (std::vector<double>{1, 2}))
      << "packed sizes and values";
  EXPECT_EQ(
      parse_onnx_tensor(field(2, '\7') + field(7, std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10)), "x.pb")
          .values,
      std::vector<double>{-1});
}

TEST(Protobuf, EveryTruncationIsRefusedOrShort) {
  const std::string whole = tensor_text(kTwo);
  for (size_t length = 7; length < whole.size(); ++length) EXPECT_NE(refusal_of(whole.substr(0, length)), "") << length;
}

TEST(Protobuf, MalformedBytesAreRefusedInOneSentence) {
  EXPECT_EQ(refusal_of("\x4a\x7f"),
            "'x.pb' is no protocol buffer as ONNX writes it (it ends within a field); copy or "
            "write it again");
  EXPECT_NE(refusal_of(std::string(11, '\xff')), "") << "a number that does not end";
  EXPECT_NE(refusal_of(std::string("\0", 1)), "") << "field 0";
  EXPECT_NE(refusal_of("\x0b"), "") << "groups";
  EXPECT_NE(refusal_of(tensor_text(kTwo + "\1")), "") << "9 bytes of float32";
  EXPECT_NE(refusal_of(field(1, std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8)) + field(2, '\1')), "") << "huge";
}

TEST(Protobuf, SizesThatNoTensorHasAreRefused) {
  const std::string huge("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  EXPECT_NE(refusal_of(field(1, huge) + field(1, '\0') + field(2, '\1')), "") << "empty, and yet too large";
  EXPECT_TRUE(parse_onnx_tensor(field(2, '\13') + field(7, '\1'), "x.pb").values.empty()) << "float64 has no values";
}

TEST(Protobuf, RandomBytesNeverCrash) {
  std::uint64_t state = 1;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int i = 0; i < round % 40; ++i) text += static_cast<char>((state = state * 6364136223846793005U + 1) >> 56);
    refusal_of(text);
  }
}

class OnnxTestRun : public testing::Test {
 protected:
  OnnxResult run(const OnnxTest& test) const { return run_onnx_test(registry_, references_, test); }
  const Registry registry_ = register_operations();
  const References references_ = register_references();
};

TEST_F(OnnxTestRun, BothFormsAreHeldToTheStoredOutput) {
  OnnxTest test{"t", "Gemm", 13, {}, {tensor({1, 2}, {3, 5}), tensor({2, 1}, {2, -1})}, {tensor({1, 1}, {1})}};
  for (const OnnxVerdict& each : run(test).verdicts) EXPECT_TRUE(each.verdict.passed()) << each.implementation;
  test.outputs[0]->values[0] = 1.001;
  const OnnxResult wrong = run(test);
  ASSERT_EQ(wrong.verdicts.size(), 2U);
  for (const OnnxVerdict& each : wrong.verdicts) EXPECT_TRUE(each.verdict.failed()) << each.implementation;
}

TEST_F(OnnxTestRun, PaddingIsPlacedAsNamed) {
  OnnxTest test{"t", "MaxPool", 12, {}, {tensor({1, 1, 4}, {1, 2, 3, 4})}, {tensor({1, 1, 4}, {1, 2, 3, 4})}};
  test.attributes["kernel_shape"].integers = {2};
  test.attributes["auto_pad"].text = "SAME_LOWER";
  EXPECT_EQ(map_onnx_test(test).case_text.substr(0, 40), "max_pool:mb=1,c=1,iw=4,kw=2,sw=1,dw=1,pw");
  for (const OnnxVerdict& each : run(test).verdicts) EXPECT_TRUE(each.verdict.passed()) << each.verdict.where;
  test.attributes["auto_pad"].text = "SAME_UPPER";
  for (const OnnxVerdict& each : run(test).verdicts) EXPECT_TRUE(each.verdict.failed());
}

// What the standard forbids, and files may hold.
TEST(OnnxMapping, WindowsThatCannotBeAreNotCovered) {
  const auto reason = [](OnnxTest test, const char* attribute, std::vector<Index> integers) -> std::string {
    test.attributes[attribute].integers = std::move(integers);
    try {
      return map_onnx_test(test).case_text;
    } catch (const NotCovered& why) {
      return why.what();
    }
  };
  const OnnxTensor map = tensor({1, 1, 1, 1, 2}, {1, 2}), row = tensor({1, 1, 2}, {1, 2});
  const OnnxTest conv{"t", "Conv", 11, {}, {map, row}, {}}, transposed{"t", "ConvTranspose", 11, {}, {row, row}, {}};
  const OnnxTest pool{"t", "MaxPool", 12, {}, {map}, {}};
  EXPECT_EQ(reason(conv, "strides", {1, 1, 1}), "a window of 1 axes in 3 of space");
  EXPECT_EQ(reason(transposed, "output_shape", {Index{1} << 62}), "a window of output size 4611686018427387904");
  EXPECT_EQ(reason(pool, "kernel_shape", {1 << 24, 2, 1}), "a window of 33554432 taps");
}

TEST(OnnxMapping, EmptyMatricesAreNotCovered) {
  const OnnxTest test{"t", "MatMul", 13, {}, {tensor({2, 0}, {}), tensor({0, 3}, {})}, {}};
  EXPECT_THROW(map_onnx_test(test), NotCovered);
}

TEST_F(OnnxTestRun, WhatIsNotOursIsToldWhy) {
  const auto reason = [&](const OnnxTest& test) -> std::string {
    try {
      run(test);
    } catch (const NotCovered& why) {
      return why.what();
    }
    return "";
  };
  EXPECT_EQ(reason({"t", "Einsum", 13, {}, {}, {}}), "no operation of ours is Einsum");
  EXPECT_EQ(reason({"t", "Relu", 13, {}, {tensor({2}, {1, 2}, OnnxType::kInt32)}, {}}),
            "input 0 is no float32 (type 6)");
  EXPECT_EQ(reason({"t", "Relu", 13, {}, {tensor({2}, {1, 2})}, {tensor({3}, {1, 2, 3})}}),
            "dst has 3 elements, but in relu:mb=1,c=1,iw=2 it has shape 1x1x2");
}

}  // namespace
}  // namespace gradproof
