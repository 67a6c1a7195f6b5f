// SPDX-License-Identifier: Apache-2.0
#include "src/trace/text.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "src/trace/names.h"

namespace fv::trace {
namespace {

Call Returned(uint64_t number, std::array<uint64_t, 6> arguments, int64_t result) {
  return {.number = number,
          .arguments = arguments,
          .result = result,
          .end = Call::End::kReturned,
          .paths = {}};
}

TEST(CallTextTest, PathsAndErrors) {
  Call call = Returned(SYS_openat, {static_cast<uint64_t>(AT_FDCWD), 0x1000, 0x80000, 0}, -ENOENT);
  EXPECT_EQ(CallText(call), "openat(AT_FDCWD, 0x1000, 0x80000, 0000) = -1 ENOENT");
  call.paths = {"/etc/a\"b"};
  EXPECT_EQ(CallText(call), "openat(AT_FDCWD, \"/etc/a\\\"b\", 0x80000, 0000) = -1 ENOENT");
}

TEST(CallTextTest, KindsOfArguments) {
  EXPECT_EQ(CallText(Returned(SYS_kill, {static_cast<uint64_t>(-1), SIGTERM}, 0)),
            "kill(-1, SIGTERM) = 0");
  EXPECT_EQ(CallText(Returned(SYS_kill, {5, 40}, 0)), "kill(5, SIGRT_8) = 0");
  EXPECT_EQ(CallText(Returned(SYS_lseek, {3, static_cast<uint64_t>(-8), 1}, 0)),
            "lseek(3, -8, 1) = 0");
  EXPECT_EQ(CallText(Returned(SYS_lseek, {3, uint64_t{5} << 32, 0}, 0)),
            "lseek(3, 21474836480, 0) = 0");
  EXPECT_EQ(CallText(Returned(SYS_read, {0, 0, 10}, 7)), "read(0, NULL, 10) = 7");
}

TEST(CallTextTest, Results) {
  EXPECT_EQ(ResultText(Returned(SYS_mmap, {}, 0x7F0000001000)), "0x7f0000001000");
  EXPECT_EQ(ResultText(Returned(SYS_pause, {}, -kErestartNoHand)), "? ERESTARTNOHAND");
  EXPECT_EQ(ResultText(Call{.number = SYS_exit}), "?");
  EXPECT_EQ(ResultText(Returned(9999, {}, -ENOSYS)), "-1 ENOSYS");
}

TEST(CallTextTest, ArgumentsThatNobodyRecorded) {
  Call call = Returned(SYS_mmap, {0, 4096, 3, 0x22, 7, 8}, -EBADF);
  call.known_arguments = 4;
  EXPECT_EQ(CallText(call), "mmap(NULL, 4096, 0x3, 0x22, ...) = -1 EBADF");
}

TEST(CallTextTest, UnknownCall) {
  EXPECT_EQ(CallText(Returned(9999, {1, 0, 0, 0, 0, 0}, -ENOSYS)),
            "number 9999(0x1, NULL, NULL, NULL, NULL, NULL) = -1 ENOSYS");
}

TEST(NamesTest, LookUps) {
  EXPECT_EQ(FindSyscall("openat")->number, static_cast<uint64_t>(SYS_openat));
  EXPECT_EQ(FindSyscall(uint64_t{335}), nullptr);
  EXPECT_EQ(FindSyscall("no_such_call"), nullptr);
  EXPECT_TRUE(FindSyscall("wait4")->returns_pid);
  EXPECT_FALSE(FindSyscall("waitid")->returns_pid);
  EXPECT_EQ(SyscallName(57), "fork");
  EXPECT_EQ(SyscallName(1'000'000), "number 1000000");
  EXPECT_EQ(ErrorName(EPERM), "EPERM");
  EXPECT_EQ(ErrorName(999), "error 999");
  EXPECT_EQ(SignalName(99), "signal 99");
}

}  // namespace
}  // namespace fv::trace
