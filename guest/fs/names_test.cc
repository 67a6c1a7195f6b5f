// SPDX-License-Identifier: Apache-2.0
//
// Making, removing and renaming names: files, directories, hard links. Errors are Linux's.
#include <string>

#include "guest/fs/testing/path_fixture.h"

namespace fv::guest {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the constants of open(2)

class NamesTest : public PathFixture {};

TEST_F(NamesTest, UnlinkKeepsOpenFiles) {
  Touch("file");
  Write("data");
  const Ref<File> open = file_;
  EXPECT_EQ(Unlink("file"), 0);
  EXPECT_EQ(Unlink("file"), ENOENT);
  EXPECT_EQ(open->inode().links, 0u);
  EXPECT_EQ(open->inode().size(), 4u);
  char path[256];
  EXPECT_TRUE(FormatPath(open->dentry(), *RootDentry(), path, sizeof(path)).ok());
  EXPECT_EQ(path, dir_ + "/file (deleted)");
  Mkdir("d");
  EXPECT_EQ(Unlink("d"), EISDIR);
  EXPECT_EQ(Unlink("."), EISDIR);
}

TEST_F(NamesTest, DirectoriesCountTheirLinks) {
  EXPECT_EQ(Mkdir("d", 0700), 0);
  EXPECT_EQ(InodeOf("d").mode(), 0040700u);
  EXPECT_EQ(InodeOf("d").links, 2u);
  EXPECT_EQ(Mkdir("d/e"), 0);
  EXPECT_EQ(InodeOf("d").links, 3u);
  EXPECT_EQ(Mkdir("d"), EEXIST);
  EXPECT_EQ(Mkdir("/"), EEXIST);
  EXPECT_EQ(Mkdir("d/."), EEXIST);
  EXPECT_EQ(Mkdir("x/y"), ENOENT);
  EXPECT_EQ(Rmdir("d"), ENOTEMPTY);
  EXPECT_EQ(Rmdir("d/e"), 0);
  EXPECT_EQ(InodeOf("d").links, 2u);
  EXPECT_EQ(Rmdir("d/."), EINVAL);
  EXPECT_EQ(Rmdir("d/.."), ENOTEMPTY);
  EXPECT_EQ(Rmdir("/"), EBUSY);
  EXPECT_EQ(Rmdir("/proc"), EBUSY);
  Touch("f");
  EXPECT_EQ(Rmdir("f"), ENOTDIR);
}

TEST_F(NamesTest, NothingIsMadeInARemovedDirectory) {
  Mkdir("gone");
  Enter(dir_ + "/gone");
  EXPECT_EQ(Rmdir(dir_ + "/gone"), 0);
  EXPECT_EQ(Open("file", kCreate | kWriteOnly), ENOENT);
  EXPECT_EQ(Mkdir("d"), ENOENT);
  EXPECT_EQ(Walk(".."), dir_);
}

TEST_F(NamesTest, StickyDirectoriesProtectTheirFiles) {
  InodeOf(dir_).SetPermissions(01777);
  Touch("roots");
  FakeKernel::Get().BecomeUser(1000);
  Touch("mine");
  EXPECT_EQ(Unlink("roots"), EPERM);
  EXPECT_EQ(Move("mine", "roots"), EPERM);
  EXPECT_EQ(Move("roots", "other"), EPERM);
  EXPECT_EQ(Unlink("mine"), 0);
}

TEST_F(NamesTest, HardLinks) {
  Touch("a");
  EXPECT_EQ(Number(MakeLink(caller(), Lookup(caller(), kCwd, "a", 0).take(), kCwd, "b")), 0);
  EXPECT_EQ(InodeOf("b").links, 2u);
  EXPECT_EQ(Number(MakeLink(caller(), Lookup(caller(), kCwd, "a", 0).take(), kCwd, "b")), EEXIST);
  Mkdir("d");
  EXPECT_EQ(Number(MakeLink(caller(), Lookup(caller(), kCwd, "d", 0).take(), kCwd, "e")), EPERM);
  EXPECT_EQ(Number(MakeLink(caller(), Lookup(caller(), kCwd, "a", 0).take(), kCwd, "/proc/x")),
            EXDEV);
  EXPECT_EQ(Move("a", "b"), 0) << "two names of one file";
  EXPECT_EQ(Walk("a"), dir_ + "/a");
}

TEST_F(NamesTest, RenameReplaces) {
  Touch("a");
  Write("new");
  Touch("b");
  EXPECT_EQ(Move("a", "b", kNoReplace), EEXIST);
  EXPECT_EQ(Move("a", "b"), 0);
  EXPECT_EQ(Walk("a"), std::to_string(ENOENT));
  EXPECT_EQ(ReadAll("b"), "new");
  Mkdir("d");
  Mkdir("e");
  EXPECT_EQ(Move("b", "d"), EISDIR);
  EXPECT_EQ(Move("d", "b"), ENOTDIR);
  EXPECT_EQ(Move("d", "e"), 0);
  Mkdir("d");
  Touch("e/file");
  EXPECT_EQ(Move("d", "e"), ENOTEMPTY);
  EXPECT_EQ(Move("e", "e/inside"), EINVAL);
  EXPECT_EQ(Move("e", "d/"), 0);
  EXPECT_EQ(Move("b", "c/"), ENOTDIR);
  EXPECT_EQ(Move("nothing", "x"), ENOENT);
  EXPECT_EQ(Move(".", "x"), EBUSY);
  EXPECT_EQ(Move("b", "/proc/b"), EXDEV);
}

TEST_F(NamesTest, RenameMovesDirectoriesWithTheirContents) {
  Mkdir("a");
  Mkdir("a/sub");
  Mkdir("b");
  Touch("a/sub/file");
  const uint32_t links = InodeOf("b").links;
  EXPECT_EQ(Move("a/sub", "b/moved"), 0);
  EXPECT_EQ(Walk("b/moved/file"), dir_ + "/b/moved/file");
  EXPECT_EQ(Walk("b/moved/.."), dir_ + "/b");
  EXPECT_EQ(InodeOf("b").links, links + 1);
  EXPECT_EQ(InodeOf("a").links, 2u);
}

TEST_F(NamesTest, ExchangeSwapsNames) {
  Mkdir("d");
  Touch("d/in");
  Touch("f");
  EXPECT_EQ(Move("f", "none", kExchange), ENOENT);
  EXPECT_EQ(Move("f", "d", kExchange), 0);
  EXPECT_EQ(Walk("f/in"), dir_ + "/f/in");
  EXPECT_TRUE(InodeOf("d").IsRegular());
}

}  // namespace
}  // namespace fv::guest
