#include "checks/guarded.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>

namespace gradproof {
namespace {

const Argument kTensor{.name = "dst", .shape = {3, 5}};

// What the guards say about an access `offset` bytes from the tensor's start.
std::string access(const GuardedTensor& tensor, std::ptrdiff_t offset, bool write) {
  volatile auto* byte = static_cast<volatile unsigned char*>(tensor.ref().data) + offset;
  const ChildEnd end = run_in_child([&] {
    if (write)
      *byte = 1;
    else
      static_cast<void>(*byte);
  });
  if (end.ran_through) return tensor.damage().value_or("nothing");
  if (!tensor.contains(end.address)) return "an access elsewhere";
  return tensor.describe(end.address);
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

TEST(Guarded, WhatTheChildWritesIsSeenHere) {
  const GuardedTensor tensor(kTensor, Flush::kEnd);
  EXPECT_TRUE(run_in_child([&] { std::memset(tensor.ref().data, 7, tensor.byte_count()); }).ran_through);
  EXPECT_EQ(static_cast<unsigned char*>(tensor.ref().data)[tensor.byte_count() - 1], 7);
}

TEST(Child, AnotherSignalIsNamed) {
  const ChildEnd end = run_in_child([] { raise(SIGABRT); });
  EXPECT_FALSE(end.ran_through);
  EXPECT_EQ(end.signal, SIGABRT);
}

}  // namespace
}  // namespace gradproof
