// SPDX-License-Identifier: Apache-2.0
//
// File trees: paths, links, replacement.
#include "src/rootfs/file_tree.h"

#include <gtest/gtest.h>

namespace fv::rootfs {
namespace {

TEST(NormalizePath, FoldsNames) {
  EXPECT_EQ(NormalizePath("/a//b/./../c"), "/a/c");
  EXPECT_EQ(NormalizePath("x/../y", "/base/me"), "/base/me/y");
  EXPECT_EQ(NormalizePath("../../.."), "/");
  EXPECT_EQ(NormalizePath("", "/w"), "/w");
}

TEST(FileTree, MakesMissingDirectories) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/a/b/c", "x", 0600).ok());
  EXPECT_EQ(tree.Find("/a")->type, NodeType::kDirectory);
  EXPECT_EQ(tree.Find("/a/b")->permissions, 0755u);
  EXPECT_EQ(tree.Find("/a/b/c")->content, "x");
  EXPECT_EQ(tree.Find("/a/b/d"), nullptr);
}

TEST(FileTree, AFileIsNoDirectory) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/a", "x").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tree.AddFile("/a/b", "y")));
  EXPECT_TRUE(absl::IsFailedPrecondition(tree.Resolve("/a/b").status()));
}

TEST(FileTree, ADirectoryIsNotReplacedByAFile) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/d/f", "x").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tree.AddFile("/d", "y")));
  ASSERT_TRUE(tree.AddDirectory("/d", 01777).ok());
  EXPECT_EQ(tree.Find("/d")->permissions, 01777u);
  EXPECT_NE(tree.Find("/d/f"), nullptr);
}

TEST(FileTree, FollowsLinksAnywhereInAPath) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/usr/bin/cat", "elf").ok());
  ASSERT_TRUE(tree.AddSymlink("/bin", "usr/bin").ok());
  ASSERT_TRUE(tree.AddSymlink("/usr/bin/more", "/bin/../bin/cat").ok());
  EXPECT_EQ(*tree.Resolve("/bin/more"), "/usr/bin/cat");
  // What is added under the link lands behind it.
  ASSERT_TRUE(tree.AddFile("/bin/new", "n").ok());
  EXPECT_EQ(tree.nodes().count("/usr/bin/new"), 1u);
}

TEST(FileTree, ALoopOfLinksEnds) {
  FileTree tree;
  ASSERT_TRUE(tree.AddSymlink("/a", "b").ok());
  ASSERT_TRUE(tree.AddSymlink("/b", "a").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tree.Resolve("/a").status()));
  EXPECT_FALSE(tree.AddFile("/a/f", "x").ok());
}

TEST(FileTree, ADanglingLinkIsNotFound) {
  FileTree tree;
  ASSERT_TRUE(tree.AddSymlink("/a", "/nowhere").ok());
  EXPECT_TRUE(absl::IsNotFound(tree.Resolve("/a").status()));
}

TEST(FileTree, HardLinksShareTheNode) {
  FileTree tree;
  ASSERT_TRUE(tree.AddFile("/a", "x").ok());
  ASSERT_TRUE(tree.AddHardLink("/b/c", "/a").ok());
  EXPECT_EQ(tree.Find("/a"), tree.Find("/b/c"));
  EXPECT_FALSE(tree.AddHardLink("/d", "/b").ok());
  EXPECT_TRUE(absl::IsNotFound(tree.AddHardLink("/d", "/none")));
}

}  // namespace
}  // namespace fv::rootfs
