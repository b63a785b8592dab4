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

TEST(Record, CountsAreWholeNumbers) {
  EXPECT_EQ(count_of(record_of("2147483647")), 2147483647);
  for (const char* other : {"-1", "2147483648", "18446744073709551615", "1.5", "1e300", "\"1\"", "null"})
    EXPECT_THROW(count_of(record_of(other)), nlohmann::json::exception) << other;
  EXPECT_EQ(count_at(record_of("{\"a\":1}"), "a"), 1);
  EXPECT_EQ(count_at(record_of("{\"a\":1}"), "b"), 0);
}

}  // namespace
}  // namespace gradproof
