// SPDX-License-Identifier: Apache-2.0
#include "guest/task/clone_args.h"

#include <gtest/gtest.h>
#include <linux/sched.h>

#include "guest/task/signal_abi.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

static_assert(kCloneVm == CLONE_VM && kCloneFs == CLONE_FS && kCloneFiles == CLONE_FILES &&
              kCloneSighand == CLONE_SIGHAND && kClonePidfd == CLONE_PIDFD &&
              kClonePtrace == CLONE_PTRACE && kCloneVfork == CLONE_VFORK &&
              kCloneParent == CLONE_PARENT && kCloneThread == CLONE_THREAD &&
              kCloneNewNs == CLONE_NEWNS && kCloneSysvsem == CLONE_SYSVSEM &&
              kCloneSetTls == CLONE_SETTLS && kCloneParentSetTid == CLONE_PARENT_SETTID &&
              kCloneChildClearTid == CLONE_CHILD_CLEARTID && kCloneDetached == CLONE_DETACHED &&
              kCloneUntraced == CLONE_UNTRACED && kCloneChildSetTid == CLONE_CHILD_SETTID &&
              kCloneNewUser == CLONE_NEWUSER && kCloneNewPid == CLONE_NEWPID &&
              kCloneIo == CLONE_IO && kCloneClearSighand == CLONE_CLEAR_SIGHAND &&
              kCloneIntoCgroup == CLONE_INTO_CGROUP && kCloneNewTime == CLONE_NEWTIME);
static_assert(sizeof(Clone3Args) == CLONE_ARGS_SIZE_VER2 &&
              kClone3SizeVer0 == CLONE_ARGS_SIZE_VER0);

constexpr uint64_t kPthread = kCloneVm | kCloneFs | kCloneFiles | kCloneSighand | kCloneThread |
                              kCloneSysvsem | kCloneSetTls | kCloneParentSetTid |
                              kCloneChildClearTid;

int FlagError(uint64_t flags, ParentKind parent = ParentKind::kOrdinary) {
  const Status status = CheckCloneFlags(flags, parent);
  return status.ok() ? 0 : status.error().number();
}

TEST(CloneFlags, F20WhatProgramsAskForIsAllowed) {
  for (uint64_t flags :
       {uint64_t{0}, kPthread, kPthread | kCloneDetached, kCloneVm | kCloneVfork,
        kCloneChildClearTid | kCloneChildSetTid, uint64_t{kCloneFiles}, uint64_t{kCloneFs},
        uint64_t{kCloneClearSighand}, kCloneVm | kCloneSighand | kCloneThread,
        uint64_t{kCloneParent}, uint64_t{kClonePidfd}}) {
    EXPECT_EQ(FlagError(flags), 0) << std::hex << flags;
  }
}

TEST(CloneFlags, F20PairsThatContradictEachOther) {
  for (uint64_t flags : {kCloneNewNs | kCloneFs, kCloneNewUser | kCloneFs, kCloneVm | kCloneThread,
                         uint64_t{kCloneThread}, uint64_t{kCloneSighand}, kPthread | kCloneNewPid,
                         kPthread | kCloneNewUser, kClonePidfd | kCloneDetached,
                         kCloneVm | kCloneSighand | kCloneClearSighand}) {
    EXPECT_EQ(FlagError(flags), EINVAL) << std::hex << flags;
  }
  EXPECT_EQ(FlagError(kCloneParent, ParentKind::kUnkillable), EINVAL);
  EXPECT_EQ(FlagError(0, ParentKind::kUnkillable), 0);
}

int Clone3Error(const Clone3Args& args) {
  const Result<CloneArgs> result = FromClone3(args);
  return result.ok() ? 0 : result.error().number();
}

TEST(Clone3, F37StackIsItsTop) {
  Clone3Args args{};
  args.stack = 0x10000;
  args.stack_size = 0x4000;
  args.exit_signal = kSigChld;
  const Result<CloneArgs> clone = FromClone3(args);
  ASSERT_TRUE(clone.ok());
  EXPECT_EQ(clone.value().stack, 0x14000u);
  EXPECT_EQ(clone.value().exit_signal, uint64_t{kSigChld});
}

TEST(Clone3, F37RefusesWhatLinuxRefuses) {
  Clone3Args args{};
  args.flags = kCloneDetached;
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args.flags = 0x11;  // an exit signal among the flags, as clone() has it
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args.flags = uint64_t{1} << 34;
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args = {};
  args.exit_signal = 65;
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args = {};
  args.flags = kPthread;
  args.exit_signal = kSigChld;
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args = {};
  args.flags = kCloneIntoCgroup;
  args.cgroup = ~uint64_t{0};
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args = {};
  args.flags = kClonePidfd | kCloneParentSetTid;  // both to one place
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args.parent_tid = 8;
  EXPECT_EQ(Clone3Error(args), 0);
  args = {};
  args.stack = 0x10000;  // without a size
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args.stack = 0;
  args.stack_size = 0x1000;
  EXPECT_EQ(Clone3Error(args), EINVAL);
  args.stack = proto::kUserEnd - 0x1000;
  args.stack_size = 0x2000;
  EXPECT_EQ(Clone3Error(args), EINVAL);
}

}  // namespace
}  // namespace fv::guest
