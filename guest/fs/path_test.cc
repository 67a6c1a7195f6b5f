// SPDX-License-Identifier: Apache-2.0
//
// Paths: walking, links, permissions, opening, making, removing and renaming, on a root file system
// from an archive. Errors are Linux's.
#include "guest/fs/path.h"

#include <gtest/gtest.h>

#include <string>

#include "guest/fs/testing/archive_builder.h"
#include "guest/fs/testing/fake_kernel.h"
#include "guest/fs/vfs.h"
#include "guest/mm/memory_object.h"
#include "guest/mm/testing/fake_machine.h"

namespace fv::guest {
namespace {

using testing::ArchiveBuilder;
using testing::FakeKernel;
using testing::FakeMachine;

constexpr int kCwd = -100;  // AT_FDCWD
constexpr uint32_t kReadOnly = 0, kWriteOnly = 1, kReadWrite = 2;
constexpr uint32_t kCreate = 0100, kExclusive = 0200, kTruncate = 01000, kAppend = 02000;
constexpr uint32_t kDirectoryFlag = 0200000, kNoFollow = 0400000, kPathOnly = 010000000;
constexpr uint32_t kNoReplace = 1, kExchange = 2;

class PathTest : public ::testing::Test {
 protected:
  PathTest() {
    static const bool made = [] {
      testing::MakeRoot(ArchiveBuilder()
                            .Add("etc", 0040755)
                            .Add("etc/passwd", 0100644, "root:x:0:0\n")
                            .Add("etc/link", 0120777, "passwd")
                            .Add("etc/absolute", 0120777, "/etc/passwd")
                            .Add("etc/up", 0120777, "../etc")
                            .Add("loop", 0120777, "loop")
                            .Add("ping", 0120777, "pong")
                            .Add("pong", 0120777, "ping")
                            .Add("dangling", 0120777, "nowhere")
                            .Add("private", 0040700)
                            .Add("private/file", 0100644, "secret")
                            .Add("program", 0100755,
                                 "\x7f"
                                 "ELF")
                            .Add("hard1", 0100644, "", 2, 77)
                            .Add("hard2", 0100644, "shared", 2, 77)
                            .Finish());
      return true;
    }();
    EXPECT_TRUE(made);
    FakeKernel::Get().BecomeRoot();
    fs_ = FsContext::Create(RootDentry(), 022).take();
    // A directory of its own for each test.
    static int number = 0;
    dir_ = "/tmp/" + std::to_string(++number);
    EXPECT_TRUE(MakeDirectory(caller(), kCwd, dir_.c_str(), 0777).ok());
    Enter(dir_);
  }
  PathCaller caller() { return {*fs_, FakeKernel::Get().cred, nullptr}; }
  void Enter(const std::string& path) {
    fs_->cwd = Lookup(caller(), kCwd, path.c_str(), kLookupFollow).take();
  }
  // The path of what `path` leads to, or the error's number.
  std::string Walk(const std::string& path, uint32_t flags = kLookupFollow) {
    Result<Ref<Dentry>> found = Lookup(caller(), kCwd, path.c_str(), flags);
    if (!found.ok()) {
      return std::to_string(found.error().number());
    }
    char text[4096];
    EXPECT_TRUE(FormatPath(*found.value(), *RootDentry(), text, sizeof(text)).ok());
    return text;
  }
  // 0 or the error's number.
  static int Number(const Status& status) { return status.ok() ? 0 : status.error().number(); }
  int Open(const std::string& path, uint32_t flags, uint32_t mode = 0666) {
    Result<Ref<File>> file = OpenPath(caller(), kCwd, path.c_str(), flags, mode, {});
    file_ = file.ok() ? file.take() : Ref<File>();
    return file_ ? 0 : file.error().number();
  }
  void Touch(const std::string& path) { ASSERT_EQ(Open(path, kCreate | kWriteOnly), 0) << path; }
  int Mkdir(const std::string& path, uint32_t mode = 0777) {
    return Number(MakeDirectory(caller(), kCwd, path.c_str(), mode));
  }
  int Rmdir(const std::string& path) {
    return Number(RemoveDirectory(caller(), kCwd, path.c_str()));
  }
  int Unlink(const std::string& path) { return Number(RemoveFile(caller(), kCwd, path.c_str())); }
  int Symlink(const std::string& text, const std::string& path) {
    return Number(MakeSymlink(caller(), text.c_str(), kCwd, path.c_str()));
  }
  int Move(const std::string& from, const std::string& to, uint32_t flags = 0) {
    return Number(Rename(caller(), {kCwd, from.c_str(), kCwd, to.c_str()}, flags));
  }
  int64_t Write(std::string text, const IoContext& context = {}) {
    IoBuffer from = IoBuffer::Kernel(text.data(), text.size());
    Result<uint64_t> moved = file_->Write(from, file_->position(), context);
    return moved.ok() ? static_cast<int64_t>(moved.value()) : -moved.error().number();
  }
  std::string ReadAll(const std::string& path) {
    EXPECT_EQ(Open(path, kReadOnly), 0);
    std::string out(100000, '\0');
    IoBuffer to = IoBuffer::Kernel(out.data(), out.size());
    uint64_t position = 0;
    out.resize(file_->Read(to, position).value());
    return out;
  }
  Inode& InodeOf(const std::string& path) {
    return Lookup(caller(), kCwd, path.c_str(), 0).take()->inode();
  }

  std::string dir_;
  Ref<FsContext> fs_;
  Ref<File> file_;
};

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

TEST_F(PathTest, UnlinkKeepsOpenFiles) {
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

TEST_F(PathTest, DirectoriesCountTheirLinks) {
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

TEST_F(PathTest, NothingIsMadeInARemovedDirectory) {
  Mkdir("gone");
  Enter(dir_ + "/gone");
  EXPECT_EQ(Rmdir(dir_ + "/gone"), 0);
  EXPECT_EQ(Open("file", kCreate | kWriteOnly), ENOENT);
  EXPECT_EQ(Mkdir("d"), ENOENT);
  EXPECT_EQ(Walk(".."), dir_);
}

TEST_F(PathTest, StickyDirectoriesProtectTheirFiles) {
  InodeOf(dir_).SetPermissions(01777);
  Touch("roots");
  FakeKernel::Get().BecomeUser(1000);
  Touch("mine");
  EXPECT_EQ(Unlink("roots"), EPERM);
  EXPECT_EQ(Move("mine", "roots"), EPERM);
  EXPECT_EQ(Move("roots", "other"), EPERM);
  EXPECT_EQ(Unlink("mine"), 0);
}

TEST_F(PathTest, HardLinks) {
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

TEST_F(PathTest, RenameReplaces) {
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

TEST_F(PathTest, RenameMovesDirectoriesWithTheirContents) {
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

TEST_F(PathTest, ExchangeSwapsNames) {
  Mkdir("d");
  Touch("d/in");
  Touch("f");
  EXPECT_EQ(Move("f", "none", kExchange), ENOENT);
  EXPECT_EQ(Move("f", "d", kExchange), 0);
  EXPECT_EQ(Walk("f/in"), dir_ + "/f/in");
  EXPECT_TRUE(InodeOf("d").IsRegular());
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
