// SPDX-License-Identifier: Apache-2.0
#include "vmm/whole_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace fv::vmm {
namespace {

namespace fs = std::filesystem;

class WholeFileTest : public ::testing::Test {
 protected:
  WholeFileTest() { fs::create_directory(directory_); }
  ~WholeFileTest() override { fs::remove_all(directory_); }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t Files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

 private:
  const fs::path directory_ =
      fs::path(::testing::TempDir()) / ("whole_file." + std::to_string(getpid()));
};

TEST_F(WholeFileTest, IsThere) {
  ASSERT_TRUE(WriteWholeFile(Path("a"), "first").ok());
  ASSERT_TRUE(WriteWholeFile(Path("a"), "second").ok());
  EXPECT_EQ(Content(Path("a")), "second");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(WholeFileTest, WhatFailsChangesNothing) {
  ASSERT_TRUE(WriteWholeFile(Path("a"), "first").ok());
  const absl::Status status = WriteWholeFile(Path("a"), [](int fd) {
    EXPECT_EQ(::write(fd, "half", 4), 4);
    return absl::DataLossError("no more");
  });
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(Content(Path("a")), "first");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(WholeFileTest, AWrongPlaceIsNamed) {
  const absl::Status status = WriteWholeFile(Path("no/a"), "x");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(std::string(status.message()), Path("no/a") + ": No such file or directory");
  EXPECT_FALSE(WriteWholeFile(Path(""), "x").ok()) << "a directory";
}

TEST_F(WholeFileTest, AFullDeviceIsNamed) {
  const absl::Status status = WriteWholeFile("/dev/full", "x");
  EXPECT_EQ(std::string(status.message()), "/dev/full: write: No space left on device");
}

TEST_F(WholeFileTest, APipeStaysAPipe) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = Content(Path("pipe")); });
  EXPECT_TRUE(WriteWholeFile(Path("pipe"), "through").ok());
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(Path("pipe")));
}

TEST_F(WholeFileTest, ManyMayWriteOneFile) {
  const auto write = [this](char letter) {
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(WriteWholeFile(Path("a"), std::string(1000, letter)).ok());
    }
  };
  std::thread other([&write] { write('b'); });
  write('a');
  other.join();
  const std::string content = Content(Path("a"));
  EXPECT_EQ(content, std::string(1000, content[0]));
  EXPECT_EQ(Files(), 1u);
}

TEST_F(WholeFileTest, ALinkThatSomebodyPutBesideIsNotFollowed) {
  ASSERT_TRUE(WriteWholeFile(Path("victim"), "mine").ok());
  for (int i = 0; i < 500; ++i) {
    fs::create_symlink("victim",
                       Path("a." + std::to_string(getpid()) + "." + std::to_string(i) + ".part"));
  }
  ASSERT_TRUE(WriteWholeFile(Path("a"), "new").ok());
  EXPECT_EQ(Content(Path("victim")), "mine");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(Path("a"))));
}

TEST_F(WholeFileTest, ALinkStaysALink) {
  ASSERT_TRUE(WriteWholeFile(Path("file"), "first").ok());
  fs::create_symlink("file", Path("link"));
  ASSERT_TRUE(WriteWholeFile(Path("link"), "second").ok());
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(Content(Path("file")), "second");
}

}  // namespace
}  // namespace fv::vmm
