#include "checks/guarded.h"

#include <gtest/gtest.h>

#include <vector>

namespace gradproof {
namespace {

const Argument kTensor{.name = "dst", .shape = {3, 5}};

// What the guards say about an access `offset` bytes from the tensor's start.
std::string access(const GuardedTensor& tensor, std::ptrdiff_t offset, bool write) {
  volatile auto* byte = static_cast<volatile unsigned char*>(tensor.ref().data) + offset;
  const auto trespass = trespass_of({&tensor, 1}, [&] {
    if (write)
      *byte = 1;
    else
      static_cast<void>(*byte);
  });
  if (!trespass) return tensor.damage().value_or("nothing");
#ifdef __x86_64__
  EXPECT_EQ(trespass->writing, write);
#endif
  return tensor.describe(trespass->address);
}

TEST(Guarded, TheFirstByteOnTheFlushSideIsGuarded) {
  for (bool write : {false, true}) {
    EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kEnd), 60, write), "0 bytes past its end");
    EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kBegin), -1, write), "1 bytes before its start");
  }
}

TEST(Guarded, TheLastByteOfTheTensorIsNot) {
  EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kEnd), 59, true), "nothing");
  EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kBegin), 0, true), "nothing");
}

TEST(Guarded, AStoreOnTheOtherSideLeavesATrace) {
  EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kEnd), -4, true), "4 bytes before its start");
  EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kBegin), 63, true), "3 bytes past its end");
}

TEST(Guarded, TheFirstOfSeveralIsToldAndTheRunGoesOn) {
  std::vector<GuardedTensor> tensors;
  tensors.emplace_back(kTensor, Flush::kEnd);
  tensors.emplace_back(kTensor, Flush::kBegin);
  int done = 0;
  const auto trespass = trespass_of(tensors, [&] {
    static_cast<volatile unsigned char*>(tensors[1].ref().data)[-2] = 1;
    static_cast<volatile unsigned char*>(tensors[0].ref().data)[61] = 1;
    ++done;
  });
  ASSERT_TRUE(trespass);
  EXPECT_TRUE(tensors[1].contains(trespass->address));
  EXPECT_EQ(tensors[1].describe(trespass->address), "2 bytes before its start");
  EXPECT_EQ(done, 1);
}

TEST(Guarded, EveryWatchBeginsAnew) {
  EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kEnd), 60, true), "0 bytes past its end");
  EXPECT_EQ(access(GuardedTensor(kTensor, Flush::kEnd), 0, true), "nothing");
}

TEST(Guarded, AnAccessElsewhereEndsTheProcess) {
  const GuardedTensor tensor(kTensor, Flush::kEnd);
  volatile int* nowhere = nullptr;
  EXPECT_DEATH(trespass_of({&tensor, 1}, [&] { *nowhere = 1; }), "");
}

}  // namespace
}  // namespace gradproof
