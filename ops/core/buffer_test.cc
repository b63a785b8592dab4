#include "ops/core/buffer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace gradproof {
namespace {

TEST(Buffer, FreshAndPoisonedMemoryReadsAsNotWritten) {
  Buffer floats({3, 5});
  for (Index i = 0; i < 15; ++i) EXPECT_TRUE(std::isnan(floats.ref().floats()[i]));
  std::memset(floats.ref().data, 0, static_cast<size_t>(floats.byte_count()));
  floats.poison();
  for (Index i = 0; i < 15; ++i) EXPECT_TRUE(std::isnan(floats.ref().floats()[i]));
  Buffer bytes({4}, ElementType::kUint8);
  Buffer ints({4}, ElementType::kInt32);
  for (Index i = 0; i < 4; ++i) {
    EXPECT_EQ(bytes.ref().bytes()[i], 255);
    EXPECT_EQ(ints.ref().ints()[i], -1);
  }
}

TEST(Buffer, IsAlignedAndCanBeMisaligned) {
  for (Index misalignment : {0, 1, 3, 15}) {
    const Buffer buffer({37}, ElementType::kFloat32, misalignment);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.ref().data) % 64, static_cast<size_t>(misalignment) * 4);
    EXPECT_EQ(buffer.damaged_fence(), std::nullopt);
  }
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(Buffer({1 << 20}).ref().data) % 64, 0U);
}

TEST(Buffer, DescribesADenseTensor) {
  const Buffer buffer({2, 3, 5}, ElementType::kInt32);
  EXPECT_EQ(buffer.ref().shape, (Shape{2, 3, 5}));
  EXPECT_TRUE(buffer.ref().is_dense());
  EXPECT_EQ(buffer.byte_count(), 120);
  EXPECT_EQ(Buffer({2, 3, 5}, ElementType::kUint8).byte_count(), 30);
}

TEST(Buffer, EveryFenceByteIsWatchedOnBothSides) {
  for (const Shape& shape : {Shape{1}, Shape{5, 13}, Shape{0}, Shape{700000}}) {
    for (Index misalignment : {0, 7}) {
      Buffer buffer(shape, ElementType::kFloat32, misalignment);
      auto* first = static_cast<unsigned char*>(buffer.ref().data);
      std::memset(first, 0x11, static_cast<size_t>(buffer.byte_count()));
      EXPECT_EQ(buffer.damaged_fence(), std::nullopt);
      for (Index distance : {Index{1}, Index{2}, Index{64}, Index{255}, Index{256}}) {
        for (Index offset : {-distance, buffer.byte_count() + distance - 1}) {
          const unsigned char before = first[offset];
          first[offset] ^= 1;
          EXPECT_EQ(buffer.damaged_fence(), offset) << shape_text(shape);
          first[offset] = before;
        }
      }
      EXPECT_EQ(buffer.damaged_fence(), std::nullopt);
    }
  }
}

TEST(TensorRef, ReadsAnyLayoutAndElementType) {
  float data[] = {0, 1, 2, 3, 4, 5};
  const TensorRef transposed{data, ElementType::kFloat32, {3, 2}, {1, 3}};
  EXPECT_EQ(transposed.value_at({2, 1}), 5);
  EXPECT_EQ(transposed.value_at({1, 0}), 1);
  EXPECT_FALSE(transposed.is_dense());
  const TensorRef broadcast{data + 4, ElementType::kFloat32, {3, 2}, {0, 0}};
  EXPECT_EQ(broadcast.value_at({2, 1}), 4);
  std::uint8_t bytes[] = {7, 255};
  EXPECT_EQ((TensorRef{bytes, ElementType::kUint8, {2}, {1}}.value_at({1})), 255);
  std::int32_t ints[] = {-7, 1 << 30};
  EXPECT_EQ((TensorRef{ints, ElementType::kInt32, {2}, {1}}.value_at({0})), -7);
  EXPECT_EQ((TensorRef{ints, ElementType::kInt32, {2}, {1}}.value_at({1})), 1 << 30);
}

}  // namespace
}  // namespace gradproof
