// SPDX-License-Identifier: Apache-2.0
#include "src/rootfs/unpack.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "src/rootfs/host_files.h"

namespace fv::rootfs {
namespace {

class UnpackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "/unpackXXXXXX";
    ASSERT_NE(mkdtemp(path_.data()), nullptr);
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  struct stat Stat(const std::string& name) {
    struct stat info {};
    EXPECT_EQ(lstat((path_ + name).c_str(), &info), 0) << name;
    return info;
  }

  std::string path_;
};

TEST_F(UnpackTest, WhatWasPackedComesBack) {
  FileTree tree;
  ASSERT_TRUE(tree.AddDirectory("/closed", 0500).ok());
  ASSERT_TRUE(tree.AddFile("/closed/file", std::string("a\0b", 3), 04711).ok());
  ASSERT_TRUE(tree.AddHardLink("/other", "/closed/file").ok());
  ASSERT_TRUE(tree.AddSymlink("/link", "closed/file").ok());
  ASSERT_TRUE(tree.Add("/pipe", {.type = NodeType::kFifo, .permissions = 0640}).ok());
  ASSERT_TRUE(Unpack(tree, path_).ok());

  EXPECT_EQ(Stat("/closed").st_mode, S_IFDIR | 0500u);
  EXPECT_EQ(Stat("/closed/file").st_mode, S_IFREG | 04711u);
  EXPECT_EQ(Stat("/closed/file").st_mtime, 0);
  EXPECT_EQ(Stat("/closed/file").st_ino, Stat("/other").st_ino);
  EXPECT_EQ(Stat("/pipe").st_mode, S_IFIFO | 0640u);
  EXPECT_EQ(std::filesystem::read_symlink(path_ + "/link"), "closed/file");
  EXPECT_EQ(*ReadHostFile(path_ + "/other"), std::string("a\0b", 3));
}

TEST_F(UnpackTest, ErrorsNameThePath) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/file", "x").ok());
  ASSERT_TRUE(Unpack(tree, path_).ok());
  const absl::Status again = Unpack(tree, path_);
  EXPECT_NE(std::string(again.message()).find("/file"), std::string::npos) << again;
}

}  // namespace
}  // namespace fv::rootfs
