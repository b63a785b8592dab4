#include "cli/outputs.h"

#include <gtest/gtest.h>

#include <fstream>

#include "ops/core/error.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

class OutputsTest : public testing::Test {
 protected:
  OutputsTest() {
    std::string pattern = testing::TempDir() + "gradproofXXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~OutputsTest() override { fs::remove_all(directory_); }

  fs::path directory_;
};

TEST_F(OutputsTest, AnnouncedFilesAreWrittenAndOthersAreNot) {
  Outputs outputs;
  outputs.announce("");
  EXPECT_TRUE(outputs.empty());
  outputs.announce(directory_ / "a");
  EXPECT_FALSE(fs::exists(directory_ / "a"));
  outputs.write(directory_ / "a", "text");
  outputs.write("", "text");
  EXPECT_EQ(fs::file_size(directory_ / "a"), 4U);
}

TEST_F(OutputsTest, OneFileForTwoOutputsIsRefused) {
  Outputs outputs;
  outputs.announce(directory_ / "a");
  EXPECT_THROW(outputs.announce(directory_ / "." / "a"), UsageError);
  EXPECT_THROW(outputs.announce(fs::relative(directory_) / "a"), UsageError);
  EXPECT_NO_THROW(outputs.announce(directory_ / "b"));
}

TEST_F(OutputsTest, UnwritablePlacesAreRefusedAtOnce) {
  Outputs outputs;
  EXPECT_THROW(outputs.announce(directory_), UsageError);
  EXPECT_THROW(outputs.announce(directory_ / "no" / "a"), UsageError);
}

TEST_F(OutputsTest, DirectoriesAreMadeWithTheirParents) {
  make_directory(directory_ / "a" / "b");
  make_directory(directory_ / "a" / "b");
  EXPECT_TRUE(fs::is_directory(directory_ / "a" / "b"));
  std::ofstream(directory_ / "file").put('x');
  EXPECT_THROW(make_directory(directory_ / "file"), UsageError);
  EXPECT_THROW(make_directory(directory_ / "file" / "below"), UsageError);
}

}  // namespace
}  // namespace gradproof
