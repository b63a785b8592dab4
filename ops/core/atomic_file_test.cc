#include "ops/core/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "ops/core/error.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() {
    std::string pattern = testing::TempDir() + "gradproofXXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~AtomicFileTest() override { fs::remove_all(directory_); }

  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  std::string refusal(const fs::path& path) const {
    try {
      AtomicFile file(path);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  fs::path directory_;
};

TEST_F(AtomicFileTest, CommitWritesEverythingAndLeavesNothingElse) {
  const fs::path path = directory_ / "records.jsonl";
  AtomicFile file(path);
  file.write("one\n");
  file.write(std::string_view("two\0\n", 5));
  file.commit();
  EXPECT_EQ(contents(path), std::string("one\ntwo\0\n", 9));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(AtomicFileTest, NothingIsLeftWithoutCommit) {
  {
    AtomicFile file(directory_ / "records.jsonl");
    file.write("one\n");
    EXPECT_EQ(entries(), 0U) << "a killed run would leave this";
  }
  EXPECT_EQ(entries(), 0U);
}

TEST_F(AtomicFileTest, AnExistingTargetStaysUntilCommit) {
  const fs::path path = directory_ / "records.jsonl";
  write_file(path, "old");
  {
    AtomicFile abandoned(path);
    abandoned.write("new");
  }
  EXPECT_EQ(contents(path), "old");
  write_file(path, "new");
  EXPECT_EQ(contents(path), "new");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(AtomicFileTest, BadTargetsAreRefusedBeforeTheWork) {
  const std::string here = directory_.string();
  EXPECT_EQ(refusal(directory_), "cannot write '" + here + "': it is a directory; name a file");
  EXPECT_EQ(refusal(directory_ / "no" / "file"),
            "cannot write '" + here + "/no/file': its directory does not exist or is not writable; name another place");
  write_file(directory_ / "file", "");
  EXPECT_NE(refusal(directory_ / "file" / "below"), "");
  EXPECT_NE(refusal(""), "");
  EXPECT_EQ(refusal(directory_ / "fine"), "");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(AtomicFileTest, ProtectedTargetsAreRefused) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  const fs::path path = directory_ / "kept";
  write_file(path, "old");
  fs::permissions(path, fs::perms::owner_read);
  EXPECT_NE(refusal(path), "");
  fs::permissions(directory_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_NE(refusal(directory_ / "new"), "");
  fs::permissions(directory_, fs::perms::owner_all);
}

TEST_F(AtomicFileTest, ATargetThatVanishesIsRefusedAtCommit) {
  const fs::path below = directory_ / "below";
  fs::create_directory(below);
  AtomicFile file(below / "records.jsonl");
  fs::remove(below);
  EXPECT_THROW(file.commit(), UsageError);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(AtomicFileTest, LinksAreFollowed) {
  write_file(directory_ / "target", "old");
  fs::create_symlink("target", directory_ / "link");
  write_file(directory_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
  EXPECT_EQ(contents(directory_ / "target"), "new");
}

TEST_F(AtomicFileTest, DevicesAndPipesAreWrittenInPlace) {
  const fs::path pipe = directory_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::fstream reader(pipe, std::ios::in | std::ios::out);  // both ends, so that neither waits for the other
  write_file(pipe, "line\n");
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "line");
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST_F(AtomicFileTest, AFullDeviceIsAnError) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "no /dev/full";
  EXPECT_THROW(write_file("/dev/full", "text"), UsageError);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

}  // namespace
}  // namespace gradproof
