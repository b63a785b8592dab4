#include "ops/core/record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace gradproof {
namespace {

TEST(Record, TextsThatAreNoUtf8CanBeTold) {
  Record record = make_record("check");
  record["reason"] = "cannot read '\xff.npy'";
  EXPECT_EQ(record_of(line_of(record))["reason"], "cannot read '\xef\xbf\xbd.npy'");
}

TEST(Record, WhatIsNestedWithoutEndIsRefused) {
  const std::string deep(1 << 20, '[');
  EXPECT_THROW(record_of(deep + std::string(deep.size(), ']')), nlohmann::json::exception);
}

}  // namespace
}  // namespace gradproof
