// SPDX-License-Identifier: Apache-2.0
#include "src/diff/rules.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "src/trace/names.h"

namespace fv::diff {
namespace {

using trace::Call;

Call Returned(uint64_t number, int64_t result, std::array<uint64_t, 6> arguments = {}) {
  Call call;
  call.number = number;
  call.result = result;
  call.arguments = arguments;
  call.end = Call::End::kReturned;
  return call;
}

bool Same(const Call& native, const Call& guest) {
  return SameResult({native, guest}, std::nullopt);
}

TEST(RulesTest, TableIsSortedAndNamesCalls) {
  const auto rules = Rules();
  EXPECT_TRUE(std::is_sorted(rules.begin(), rules.end(),
                             [](const Rule& a, const Rule& b) { return a.call < b.call; }));
  for (const Rule& rule : rules) {
    EXPECT_NE(trace::FindSyscall(rule.call), nullptr) << rule.call;
    EXPECT_FALSE(rule.why.empty()) << rule.call;
  }
}

TEST(RulesTest, MostCallsAreExact) {
  EXPECT_TRUE(Same(Returned(SYS_read, 5), Returned(SYS_read, 5)));
  EXPECT_FALSE(Same(Returned(SYS_read, 5), Returned(SYS_read, 4)));
  EXPECT_FALSE(Same(Returned(SYS_read, -EINTR), Returned(SYS_read, -EAGAIN)));
  EXPECT_FALSE(IsOptional(Returned(SYS_read, 5)));
}

TEST(RulesTest, AddressesOfMappings) {
  EXPECT_TRUE(Same(Returned(SYS_mmap, 0x7F0000000000), Returned(SYS_mmap, 0x6F0000000000)));
  EXPECT_FALSE(Same(Returned(SYS_mmap, 0x7F0000000000), Returned(SYS_mmap, -ENOMEM)));
  EXPECT_FALSE(Same(Returned(SYS_mmap, -EINVAL), Returned(SYS_mmap, -ENOMEM)));
}

TEST(RulesTest, ContentOfTheKernelsFiles) {
  Call native = Returned(SYS_read, 700);
  EXPECT_FALSE(Same(native, Returned(SYS_read, 650)));
  native.source = trace::Call::Source::kKernelFile;
  EXPECT_TRUE(Same(native, Returned(SYS_read, 650)));
  EXPECT_FALSE(Same(native, Returned(SYS_read, -EIO)));
}

TEST(RulesTest, FutexByChance) {
  EXPECT_TRUE(IsOptional(Returned(SYS_futex, 0)));
  EXPECT_TRUE(IsOptional(Returned(SYS_futex, -EAGAIN)));
  EXPECT_FALSE(IsOptional(Returned(SYS_futex, -EINVAL)));
  EXPECT_TRUE(Same(Returned(SYS_futex, 1), Returned(SYS_futex, 0)));
  EXPECT_TRUE(Same(Returned(SYS_futex, -EAGAIN), Returned(SYS_futex, 0)));
  EXPECT_FALSE(Same(Returned(SYS_futex, -EINVAL), Returned(SYS_futex, 0)));
  EXPECT_FALSE(Same(Returned(SYS_futex, -ETIMEDOUT), Returned(SYS_futex, 0)));
}

TEST(RulesTest, OrderOfTwoObjects) {
  EXPECT_TRUE(Same(Returned(SYS_kcmp, 1), Returned(SYS_kcmp, 2)));
  EXPECT_FALSE(Same(Returned(SYS_kcmp, 1), Returned(SYS_kcmp, 0)));
  EXPECT_FALSE(Same(Returned(SYS_kcmp, -EBADF), Returned(SYS_kcmp, 1)));
}

TEST(RulesTest, TasksByTheirPlace) {
  Call native = Returned(SYS_fork, 100);
  Call guest = Returned(SYS_fork, 3);
  native.result_task = 1;
  guest.result_task = 2;
  EXPECT_TRUE(SameResult({native, guest}, 2));
  EXPECT_FALSE(SameResult({native, guest}, 3));
  EXPECT_FALSE(SameResult({native, guest}, std::nullopt));
  // Not of the run on either side, an error, none.
  EXPECT_TRUE(Same(Returned(SYS_getppid, 77), Returned(SYS_getppid, 1)));
  EXPECT_FALSE(Same(Returned(SYS_getppid, 77), Returned(SYS_getppid, 0)));
  EXPECT_FALSE(Same(Returned(SYS_fork, 77), Returned(SYS_fork, -EAGAIN)));
  EXPECT_FALSE(Same(Returned(SYS_fork, -ENOMEM), Returned(SYS_fork, -EAGAIN)));
}

TEST(RulesTest, WhichChildEndsFirstIsChance) {
  constexpr auto kAny = static_cast<uint64_t>(-1);
  Call native = Returned(SYS_wait4, 3, {kAny});
  Call guest = Returned(SYS_wait4, 4, {kAny});
  native.result_task = 1;
  guest.result_task = 2;
  EXPECT_TRUE(SameResult({native, guest}, 1));
  native.arguments[0] = guest.arguments[0] = 3;
  EXPECT_FALSE(SameResult({native, guest}, 1));
  EXPECT_TRUE(Same(Returned(SYS_wait4, 0, {kAny, 0, WNOHANG}),
                   Returned(SYS_wait4, -ECHILD, {kAny, 0, WNOHANG})));
  EXPECT_FALSE(
      Same(Returned(SYS_wait4, 0, {3, 0, WNOHANG}), Returned(SYS_wait4, -ECHILD, {3, 0, WNOHANG})));
  EXPECT_TRUE(IsOptional(Returned(SYS_wait4, 0, {kAny, 0, WNOHANG})));
  EXPECT_FALSE(IsOptional(Returned(SYS_wait4, 3, {kAny, 0, WNOHANG})));
}

TEST(RulesTest, ExitsByTheirStatus) {
  Call native, guest;
  native.number = guest.number = SYS_exit_group;
  native.arguments[0] = 256 + 7;
  guest.arguments[0] = 7;
  EXPECT_TRUE(Same(native, guest));
  guest.arguments[0] = 8;
  EXPECT_FALSE(Same(native, guest));
}

TEST(RulesTest, Interruptions) {
  EXPECT_TRUE(IsOptional(Returned(SYS_read, -trace::kErestartSys)));
  EXPECT_FALSE(IsOptional(Returned(SYS_read, -EINTR)));
  EXPECT_FALSE(
      Same(Returned(SYS_poll, -trace::kErestartSys), Returned(SYS_poll, -trace::kErestartNoHand)));
  Call open;
  open.number = SYS_pause;
  EXPECT_TRUE(Same(open, Returned(SYS_pause, -trace::kErestartNoHand)));
}

TEST(RulesTest, CallsThatNobodyKnows) {
  EXPECT_TRUE(Same(Returned(9999, -ENOSYS), Returned(9999, -ENOSYS)));
  EXPECT_FALSE(Same(Returned(9999, -ENOSYS), Returned(9999, 0)));
}

}  // namespace
}  // namespace fv::diff
