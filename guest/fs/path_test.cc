// SPDX-License-Identifier: Apache-2.0
//
// Paths: walking, links, permissions, opening, reading and writing, executing. Errors are Linux's.
#include "guest/fs/path.h"

#include <string>

#include "guest/fs/testing/path_fixture.h"
#include "guest/mm/memory_object.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the constants of open(2)

class PathTest : public PathFixture {};

TEST_F(PathTest, WalksDotsAndSlashes) {
  EXPECT_EQ(Walk("/"), "/");
  EXPECT_EQ(Walk("//etc//./passwd"), "/etc/passwd");
  EXPECT_EQ(Walk("/etc/../../../etc"), "/etc");
  EXPECT_EQ(Walk(".."), "/tmp");
  EXPECT_EQ(Walk("."), dir_);
  EXPECT_EQ(Walk(""), std::to_string(ENOENT));
  EXPECT_EQ(Walk("/etc/passwd/x"), std::to_string(ENOTDIR));
  EXPECT_EQ(Walk("/etc/passwd/"), std::to_string(ENOTDIR));
  EXPECT_EQ(Walk("/etc/passwd/."), std::to_string(ENOTDIR));
  EXPECT_EQ(Walk("/nowhere/x"), std::to_string(ENOENT));
}

TEST_F(PathTest, NamesHaveALimit) {
  EXPECT_EQ(Walk(std::string(255, 'n')), std::to_string(ENOENT));
  EXPECT_EQ(Walk(std::string(256, 'n')), std::to_string(ENAMETOOLONG));
  Touch(std::string(255, 'n'));
  EXPECT_EQ(Walk(std::string(255, 'n')), dir_ + "/" + std::string(255, 'n'));
}

TEST_F(PathTest, FollowsLinks) {
  EXPECT_EQ(Walk("/etc/link"), "/etc/passwd");
  EXPECT_EQ(Walk("/etc/absolute"), "/etc/passwd");
  EXPECT_EQ(Walk("/etc/up/up/up/link"), "/etc/passwd");
  EXPECT_EQ(Walk("/etc/link", 0), "/etc/link");
  EXPECT_EQ(Walk("/etc/up/", 0), "/etc") << "a trailing slash follows";
  EXPECT_EQ(Walk("/dangling"), std::to_string(ENOENT));
  EXPECT_EQ(Walk("/dangling", 0), "/dangling");
  EXPECT_EQ(Walk("/etc/link/x"), std::to_string(ENOTDIR));
}

TEST_F(PathTest, FortyLinksAreTheMost) {
  EXPECT_EQ(Walk("/loop"), std::to_string(ELOOP));
  EXPECT_EQ(Walk("/ping/x"), std::to_string(ELOOP));
  EXPECT_EQ(Walk("/loop", 0), "/loop");
  Mkdir("0");
  for (int i = 1; i <= 41; ++i) {
    EXPECT_EQ(Symlink(std::to_string(i - 1), std::to_string(i)), 0);
  }
  EXPECT_EQ(Walk("40"), dir_ + "/0");
  EXPECT_EQ(Walk("41"), std::to_string(ELOOP));
}

TEST_F(PathTest, ALinkInTheMiddleKeepsWhatFollows) {
  Mkdir("a");
  Mkdir("a/b");
  Touch("a/b/file");
  Symlink("a/b/", "slash");
  EXPECT_EQ(Walk("slash/file"), dir_ + "/a/b/file");
  EXPECT_EQ(Walk("slash/../b/file"), dir_ + "/a/b/file");
  Symlink("slash/file", "twice");
  EXPECT_EQ(Walk("twice"), dir_ + "/a/b/file");
}

TEST_F(PathTest, RootConfinesTheCaller) {
  Mkdir("jail");
  Mkdir("jail/etc");
  fs_->root = Lookup(caller(), kCwd, "jail", 0).take();
  Enter("/");
  EXPECT_EQ(Walk("../../etc"), dir_ + "/jail/etc");
  EXPECT_EQ(Walk("/etc/passwd"), std::to_string(ENOENT));
}

TEST_F(PathTest, SearchPermissionOnEveryDirectory) {
  EXPECT_EQ(Walk("/private/file"), "/private/file");
  FakeKernel::Get().BecomeUser(1000);
  EXPECT_EQ(Walk("/private/file"), std::to_string(EACCES));
  EXPECT_EQ(Walk("/private"), "/private");
  EXPECT_EQ(Open("/etc/passwd", kReadOnly), 0);
  EXPECT_EQ(Open("/etc/passwd", kWriteOnly), EACCES);
  EXPECT_EQ(Open("/etc/new", kCreate | kWriteOnly), EACCES);
  EXPECT_EQ(Open("/etc/passwd", kReadOnly | kTruncate), EACCES);
}

TEST_F(PathTest, PermissionClassesDoNotFallThrough) {
  Touch("file");
  InodeOf("file").SetPermissions(0047);
  InodeOf("file").uid = 1000;
  InodeOf("file").gid = 1000;
  FakeKernel::Get().BecomeUser(1000);
  EXPECT_EQ(Open("file", kReadOnly), EACCES) << "the owner has the owner's bits only";
  FakeKernel::Get().BecomeUser(2000);
  EXPECT_EQ(Open("file", kReadWrite), 0);
}

TEST_F(PathTest, OpenFlags) {
  EXPECT_EQ(Open("new", kReadOnly), ENOENT);
  EXPECT_EQ(Open("new", kCreate | kReadOnly, 0444), 0);
  EXPECT_EQ(InodeOf("new").mode(), 0100444u);
  EXPECT_EQ(Open("new", kCreate | kExclusive), EEXIST);
  EXPECT_EQ(Open("/dangling", kCreate | kExclusive), EEXIST);
  EXPECT_EQ(Open("/etc", kWriteOnly), EISDIR);
  EXPECT_EQ(Open("/etc", kCreate), EISDIR);
  EXPECT_EQ(Open("/etc", kReadOnly), 0);
  EXPECT_EQ(Open("new/", kCreate), EISDIR);
  EXPECT_EQ(Open("new", kDirectoryFlag), ENOTDIR);
  EXPECT_EQ(Open("new", kDirectoryFlag | kCreate), EINVAL);
  EXPECT_EQ(Open("/etc/link", kNoFollow), ELOOP);
  EXPECT_EQ(Open("/etc/link", kNoFollow | kPathOnly), 0);
  EXPECT_EQ(Open("", kReadOnly), ENOENT);
}

TEST_F(PathTest, AFifoHasNoThirdEnd) {
  ParentLookup where;
  ASSERT_TRUE(LookupParent(caller(), kCwd, "fifo", where).ok());
  ASSERT_TRUE(CreateNode(caller(), where, 0010600, 0).ok());
  constexpr uint32_t kNonblock = 04000;
  EXPECT_EQ(Open("fifo", kReadOnly | kNonblock), 0);
  const Ref<File> reader = file_;
  EXPECT_EQ(Open("fifo", 3 | kNonblock), EINVAL);
  EXPECT_EQ(Open("fifo", kWriteOnly | kNonblock), 0);
}

TEST_F(PathTest, CreatingThroughADanglingLinkMakesItsTarget) {
  Symlink("target", "link");
  Touch("link");
  EXPECT_EQ(Walk("target"), dir_ + "/target");
  EXPECT_EQ(Walk("link"), dir_ + "/target");
}

TEST_F(PathTest, ArchiveContentIsReadInPlaceAndHardLinksShareIt) {
  EXPECT_EQ(ReadAll("/etc/passwd"), "root:x:0:0\n");
  EXPECT_EQ(ReadAll("/hard1"), "shared");
  EXPECT_EQ(ReadAll("/hard2"), "shared");
  EXPECT_EQ(InodeOf("/hard1").links, 2u);
  EXPECT_EQ(InodeOf("/hard1").number(), InodeOf("/hard2").number());
}

TEST_F(PathTest, WritingExtendsAppendsAndLeavesHoles) {
  Touch("file");
  EXPECT_EQ(Write("hello"), 5);
  ASSERT_EQ(Open("file", kWriteOnly | kAppend), 0);
  EXPECT_EQ(Write(" world"), 6);
  EXPECT_EQ(ReadAll("file"), "hello world");
  ASSERT_EQ(Open("file", kReadWrite), 0);
  EXPECT_EQ(file_->Seek(10000, 0).value(), 10000u);
  EXPECT_EQ(Write("x"), 1);
  EXPECT_EQ(ReadAll("file"), "hello world" + std::string(10000 - 11, '\0') + "x");
  ASSERT_EQ(Open("file", kWriteOnly | kTruncate), 0);
  EXPECT_EQ(InodeOf("file").size(), 0u);
}

TEST_F(PathTest, FileSizeLimit) {
  Touch("file");
  FakeKernel::Get().signals.clear();
  const IoContext limit{.file_size_limit = 10};
  EXPECT_EQ(Write("12345678", limit), 8);
  EXPECT_EQ(Write("12345678", limit), 2);
  EXPECT_TRUE(FakeKernel::Get().signals.empty());
  EXPECT_EQ(Write("1", limit), -EFBIG);
  EXPECT_EQ(FakeKernel::Get().signals, std::vector<int>{25});
}

TEST_F(PathTest, ExecutingKeepsWritersAway) {
  Result<Ref<File>> program = OpenForExec(caller(), kCwd, "/program", kLookupFollow);
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(ObjectOf(*program.value()).size(), 4u);
  EXPECT_EQ(Open("/program", kWriteOnly), ETXTBSY);
  { const Ref<File> gone = program.take(); }
  EXPECT_EQ(Open("/program", kWriteOnly), 0);
  EXPECT_EQ(OpenForExec(caller(), kCwd, "/program", kLookupFollow).error().number(), ETXTBSY);
  EXPECT_EQ(OpenForExec(caller(), kCwd, "/etc", kLookupFollow).error().number(), EACCES);
  EXPECT_EQ(OpenForExec(caller(), kCwd, "/etc/passwd", kLookupFollow).error().number(), EACCES);
}

TEST_F(PathTest, ExpectedDevicesExist) {
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/console"}) {
    EXPECT_EQ(Open(path, kReadWrite), 0) << path;
  }
  ASSERT_EQ(Open("/dev/full", kWriteOnly), 0);
  EXPECT_EQ(Write("x"), -ENOSPC);
  EXPECT_EQ(Walk("/proc/self"), "/proc/2");
  EXPECT_EQ(ReadAll("/proc/self/comm"), "test\n");
}

TEST_F(PathTest, EveryAllocationFailureIsUndone) {
  const auto attempt = [&] {
    Mkdir("x");
    if (Open("x/" + std::string(100, 'f'), kCreate | kWriteOnly) == 0) {
      Write(std::string(10000, 'w'));
    }
    file_ = nullptr;
    Symlink("target", "x/link");
    Move("x/link", "x/" + std::string(90, 'm'));
    Unlink("x/" + std::string(100, 'f'));
    Unlink("x/link");
    Unlink("x/" + std::string(90, 'm'));
    Rmdir("x");
  };
  attempt();
  const testing::Usage before = FakeMachine::Get().CurrentUsage();
  for (uint64_t nth = 1; nth < 60; ++nth) {
    FakeMachine::Get().FailAllocation(nth);
    attempt();
    FakeMachine::Get().FailAllocation(0);
    attempt();
    ASSERT_EQ(ToString(before), ToString(FakeMachine::Get().CurrentUsage())) << nth;
  }
}

}  // namespace
}  // namespace fv::guest
