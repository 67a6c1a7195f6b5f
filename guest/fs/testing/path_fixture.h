// SPDX-License-Identifier: Apache-2.0
//
// PathFixture: a root file system from an archive, a caller in a directory of its own, and short
// words for what tests of paths do: 0 or the error's number.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "guest/fs/path.h"
#include "guest/fs/testing/archive_builder.h"
#include "guest/fs/testing/fake_kernel.h"
#include "guest/fs/vfs.h"

namespace fv::guest::testing {

inline constexpr int kCwd = -100;  // AT_FDCWD
inline constexpr uint32_t kReadOnly = 0, kWriteOnly = 1, kReadWrite = 2;
inline constexpr uint32_t kCreate = 0100, kExclusive = 0200, kTruncate = 01000, kAppend = 02000;
inline constexpr uint32_t kDirectoryFlag = 0200000, kNoFollow = 0400000, kPathOnly = 010000000;
inline constexpr uint32_t kNoReplace = 1, kExchange = 2;

class PathFixture : public ::testing::Test {
 protected:
  PathFixture() {
    static const bool made = [] {
      MakeRoot(ArchiveBuilder()
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

}  // namespace fv::guest::testing
