// SPDX-License-Identifier: Apache-2.0
//
// The table of calls. Flags and choices are Linux's own, by its UAPI headers.
#include "src/fuzz/calls.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "src/fuzz/call_rows.h"
#include "src/fuzz/executor/strings.h"

namespace fv::fuzz {
namespace {

constexpr Named kProt[] = {FV_N(PROT_READ), FV_N(PROT_WRITE), FV_N(PROT_EXEC)};
constexpr Named kMapFlags[] = {FV_N(MAP_SHARED),    FV_N(MAP_PRIVATE),        FV_N(MAP_FIXED),
                               FV_N(MAP_ANONYMOUS), FV_N(MAP_NORESERVE),      FV_N(MAP_POPULATE),
                               FV_N(MAP_LOCKED),    FV_N(MAP_FIXED_NOREPLACE)};
constexpr Named kPageOffsets[] = {{"0", 0}, {"4096", 4096}, {"8192", 8192}, {"1", 1}};
constexpr Named kRemapFlags[] = {FV_N(MREMAP_MAYMOVE), FV_N(MREMAP_FIXED), FV_N(MREMAP_DONTUNMAP)};
constexpr Named kAdvice[] = {FV_N(MADV_NORMAL),
                             FV_N(MADV_WILLNEED),
                             FV_N(MADV_DONTNEED),
                             FV_N(MADV_FREE),
                             FV_N(MADV_REMOVE),
                             FV_N(MADV_DONTFORK),
                             FV_N(MADV_DOFORK),
                             FV_N(MADV_DONTDUMP),
                             FV_N(MADV_WIPEONFORK),
                             FV_N(MADV_KEEPONFORK),
                             FV_N(MADV_COLD),
                             FV_N(MADV_POPULATE_READ),
                             {"99", 99},
                             FV_N(MADV_RANDOM),
                             FV_N(MADV_SEQUENTIAL),
                             FV_N(MADV_POPULATE_WRITE)};
constexpr Named kSyncFlags[] = {FV_N(MS_ASYNC), FV_N(MS_INVALIDATE), FV_N(MS_SYNC)};
constexpr Named kCloneFlags[] = {FV_N(CLONE_VM),
                                 FV_N(CLONE_FS),
                                 FV_N(CLONE_FILES),
                                 FV_N(CLONE_SIGHAND),
                                 FV_N(CLONE_PIDFD),
                                 FV_N(CLONE_VFORK),
                                 FV_N(CLONE_PARENT),
                                 FV_N(CLONE_THREAD),
                                 FV_N(CLONE_SYSVSEM),
                                 FV_N(CLONE_PARENT_SETTID),
                                 FV_N(CLONE_CHILD_CLEARTID),
                                 FV_N(CLONE_CHILD_SETTID),
                                 FV_N(CLONE_NEWUTS),
                                 FV_N(CLONE_IO)};
constexpr Named kClone3Flags[] = {FV_N(CLONE_VM),           FV_N(CLONE_FS),
                                  FV_N(CLONE_FILES),        FV_N(CLONE_SIGHAND),
                                  FV_N(CLONE_PIDFD),        FV_N(CLONE_VFORK),
                                  FV_N(CLONE_PARENT),       FV_N(CLONE_THREAD),
                                  FV_N(CLONE_SYSVSEM),      FV_N(CLONE_CHILD_CLEARTID),
                                  FV_N(CLONE_CHILD_SETTID), FV_N(CLONE_CLEAR_SIGHAND)};
constexpr Named kCloneSignal[] = {{"SIGCHLD", SIGCHLD}, {"0", 0}, {"SIGUSR1", SIGUSR1}};
constexpr Named kUnshareFlags[] = {FV_N(CLONE_FS),     FV_N(CLONE_FILES),  FV_N(CLONE_SYSVSEM),
                                   FV_N(CLONE_NEWUTS), FV_N(CLONE_THREAD), FV_N(CLONE_VM),
                                   FV_N(CLONE_SIGHAND)};
constexpr Named kImages[] = {{"self", 0},         {"self", 0},  {"/script", 1}, {"/deep", 2},
                             {"/interpreted", 3}, {"/loop", 4}, {"/empty", 5},  {"/short", 6},
                             {"/none", 7},        {"/", 8}};
constexpr Named kExitCodes[] = {{"0", 0}, {"1", 1}, {"77", 77}, {"255", 255}, {"256", 256}};
constexpr Named kWaitTargets[] = {{"-1", ~uint64_t{0}}, {"0", 0}};
constexpr Named kWaitOptions[] = {FV_N(WNOHANG), FV_N(WUNTRACED), FV_N(WCONTINUED),
                                  FV_N(__WNOTHREAD), FV_N(__WALL)};
constexpr Named kIdTypes[] = {FV_N(P_ALL), FV_N(P_PID), FV_N(P_PGID), {"P_PIDFD", 3}, {"9", 9}};
constexpr Named kWaitidOptions[] = {FV_N(WEXITED),    FV_N(WNOHANG), FV_N(WSTOPPED),
                                    FV_N(WCONTINUED), FV_N(WNOWAIT), FV_N(__WALL)};
constexpr Named kMaskHow[] = {FV_N(SIG_BLOCK), FV_N(SIG_UNBLOCK), FV_N(SIG_SETMASK), {"9", 9}};
constexpr Named kPipeFlags[] = {FV_N(O_CLOEXEC), FV_N(O_NONBLOCK)};
constexpr Named kSpliceFlags[] = {{"SPLICE_F_NONBLOCK", 2}, {"SPLICE_F_GIFT", 8}};
constexpr Named kRangeFlags[] = {{"CLOSE_RANGE_UNSHARE", 2}, {"CLOSE_RANGE_CLOEXEC", 4}};
constexpr Named kFcntl[] = {FV_N(F_DUPFD), FV_N(F_GETFD), FV_N(F_SETFD), FV_N(F_DUPFD_CLOEXEC)};
// Descriptors of other parts of a table as well.
constexpr Named kFcntlValues[] = {{"0", 0},   {"1", 1},     {"2", 2},
                                  {"70", 70}, {"600", 600}, {"-1", ~uint64_t{0}}};
constexpr Named kMemfdFlags[] = {{"MFD_CLOEXEC", 1}, {"MFD_ALLOW_SEALING", 2}};
constexpr Named kPidfdFlags[] = {{"PIDFD_NONBLOCK", O_NONBLOCK}};
constexpr Named kFutexOps[] = {FV_N(FUTEX_WAIT),         FV_N(FUTEX_WAKE),
                               FV_N(FUTEX_REQUEUE),      FV_N(FUTEX_CMP_REQUEUE),
                               FV_N(FUTEX_WAIT_PRIVATE), FV_N(FUTEX_WAKE_PRIVATE),
                               FV_N(FUTEX_WAIT_BITSET),  FV_N(FUTEX_WAKE_BITSET)};
constexpr Named kPrctl[] = {FV_N(PR_SET_PDEATHSIG), FV_N(PR_SET_CHILD_SUBREAPER),
                            FV_N(PR_SET_NO_NEW_PRIVS), FV_N(PR_GET_NO_NEW_PRIVS),
                            FV_N(PR_SET_DUMPABLE)};

constexpr ArgumentSpec kWaitTarget{.type = ArgumentType::kGroup, .names = kWaitTargets};
constexpr uint64_t kUsualMap = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
constexpr uint64_t kReadWrite = PROT_READ | PROT_WRITE;

std::vector<CallSpec> MemoryCalls() {
  return {
      {"store", FV_FUZZ_STORE, {kAddress, kWord}, R::kValue, kNoOut, kNever, 14},
      {"load", FV_FUZZ_LOAD, {kAddress}, R::kValue, kOut, kNever, 6},
      {"hash", FV_FUZZ_HASH, {kAddress, kSize}, R::kValue, kOut, kNever, 4},
      {"mmap",
       SYS_mmap,
       {kAddress, kSize, Flags(kProt, kReadWrite), Flags(kMapFlags, kUsualMap), kFd,
        Choice(kPageOffsets)},
       R::kAddress,
       kNoOut,
       kNever,
       12},
      {"munmap", SYS_munmap, {kAddress, kSize}, R::kValue, kNoOut, kNever, 6},
      {"mprotect",
       SYS_mprotect,
       {kAddress, kSize, Flags(kProt, PROT_READ)},
       R::kValue,
       kNoOut,
       kNever,
       6},
      {"mremap",
       SYS_mremap,
       {kAddress, kSize, kSize, Flags(kRemapFlags, MREMAP_MAYMOVE | MREMAP_FIXED), kAddress},
       R::kAddress,
       kNoOut,
       kNever,
       5},
      {"madvise", SYS_madvise, {kAddress, kSize, Choice(kAdvice)}, R::kValue, kNoOut, kNever, 6},
      {"brk", SYS_brk, {{.type = ArgumentType::kBreak}}, R::kNone, kOut, kNever, 2},
      {"mlock", SYS_mlock, {kAddress, kSize}, R::kValue, kNoOut, kNever, 2},
      {"munlock", SYS_munlock, {kAddress, kSize}, R::kValue, kNoOut, kNever, 1},
      {"msync", SYS_msync, {kAddress, kSize, Flags(kSyncFlags, MS_SYNC)}},
      {"mincore", SYS_mincore, {kAddress, kSize, kOutbuf}, R::kValue, kOut, kNever, 1},
      {"process_vm_readv",
       SYS_process_vm_readv,
       {kPid, kIovec, Choice(kOne), kIovec, Choice(kOne), Choice(kZero)},
       R::kValue,
       kNoOut,
       kNever,
       3},
      {"process_vm_writev",
       SYS_process_vm_writev,
       {kPid, kIovec, Choice(kOne), kIovec, Choice(kOne), Choice(kZero)},
       R::kValue,
       kNoOut,
       kNever,
       3},
  };
}

std::vector<CallSpec> TaskCalls() {
  return {
      {"fork", SYS_fork, {kTask}, R::kTask, kNoOut, kNever, 14},
      {"vfork", SYS_vfork, {kTask}, R::kTask, kNoOut, kMay, 6},
      {"clone",
       SYS_clone,
       {kTask, Flags(kCloneFlags), Choice(kCloneSignal)},
       R::kTask,
       kNoOut,
       kNever,
       8,
       Gives::kFds},
      {"clone3",
       SYS_clone3,
       {kTask, Flags(kClone3Flags), Choice(kCloneSignal)},
       R::kTask,
       kNoOut,
       kNever,
       6,
       Gives::kFds},
      {.name = "clone_at",
       .number = FV_FUZZ_VARIANT(SYS_clone, 1),
       .arguments = {kTask, Flags(kCloneFlags, CLONE_PIDFD), Choice(kCloneSignal), kAddress},
       .result = R::kTask,
       .weight = 4,
       .compared = Compared::kGuestOnly},
      {"execve", SYS_execve, {Choice(kImages)}, R::kValue, kNoOut, kNever, 3},
      {"exit", SYS_exit, {Choice(kExitCodes)}, R::kNone, kNoOut, kNever, 3},
      {"exit_group", SYS_exit_group, {Choice(kExitCodes)}, R::kNone, kNoOut, kNever, 3},
      {"wait4",
       SYS_wait4,
       {kWaitTarget, kOutbuf, Flags(kWaitOptions), Choice(kZero)},
       R::kTask,
       kOut,
       kMay,
       6},
      {"waitid",
       SYS_waitid,
       {Choice(kIdTypes), kPid, kOutbuf, Flags(kWaitidOptions, WEXITED), Choice(kZero)},
       R::kValue,
       kOut,
       kMay,
       4},
      {"getpid", SYS_getpid, {}, R::kTask},
      {"gettid", SYS_gettid, {}, R::kTask},
      {"getppid", SYS_getppid, {}, R::kTask},
      {"setpgid", SYS_setpgid, {kPid, kPid}, R::kValue, kNoOut, kNever, 2},
      {"getpgid", SYS_getpgid, {kPid}, R::kTask},
      {"setsid", SYS_setsid, {}, R::kTask},
      {"getsid", SYS_getsid, {kPid}, R::kTask},
      {"unshare", SYS_unshare, {Flags(kUnshareFlags)}, R::kValue, kNoOut, kNever, 2},
      {"prctl",
       SYS_prctl,
       {Choice(kPrctl), Choice(kSmall), Choice(kZero), Choice(kZero), Choice(kZero)},
       R::kValue,
       kNoOut,
       kNever,
       2},
      {"sched_yield", SYS_sched_yield, {}, R::kValue, kNoOut, kNever, 4},
      {"nanosleep", SYS_nanosleep, {kTimespec, Choice(kZero)}, R::kValue, kNoOut, kMay, 1},
  };
}

std::vector<CallSpec> DescriptorCalls() {
  return {
      {"pipe2", SYS_pipe2, {kOutbuf, Flags(kPipeFlags)}, R::kValue, kOut, kNever, 3, Gives::kFds},
      {"dup", SYS_dup, {kFd}, R::kValue, kNoOut, kNever, 1, Gives::kFd},
      {"dup2", SYS_dup2, {kFd, kFd}},
      {"fcntl",
       SYS_fcntl,
       {kFd, Choice(kFcntl), Choice(kFcntlValues)},
       R::kValue,
       kNoOut,
       kNever,
       1,
       Gives::kFd},
      {"close", SYS_close, {kFd}, R::kValue, kNoOut, kNever, 2},
      {"close_range", SYS_close_range, {kFd, kFd, Flags(kRangeFlags)}},
      {"read", SYS_read, {kFd, kAddress, kCount}, R::kValue, kNoOut, kMay, 3},
      {"write", SYS_write, {kFd, kAddress, kCount}, R::kValue, kNoOut, kMay, 3},
      {"vmsplice",
       SYS_vmsplice,
       {kFd, kIovec, Choice(kOne), Flags(kSpliceFlags)},
       R::kValue,
       kNoOut,
       kMay,
       3},
      {"memfd_create",
       SYS_memfd_create,
       {kOutbuf, Flags(kMemfdFlags)},
       R::kValue,
       kNoOut,
       kNever,
       2,
       Gives::kFd},
      {"ftruncate", SYS_ftruncate, {kFd, kSize}, R::kValue, kNoOut, kNever, 2},
      {"pidfd_open",
       SYS_pidfd_open,
       {kPid, Flags(kPidfdFlags)},
       R::kValue,
       kNoOut,
       kNever,
       2,
       Gives::kFd},
      {"pidfd_send_signal", SYS_pidfd_send_signal, {kFd, kSignal, Choice(kZero), Choice(kZero)}},
      {"pidfd_getfd", SYS_pidfd_getfd, {kFd, kFd, Choice(kZero)}},
  };
}

std::vector<CallSpec> SignalCalls() {
  return {
      {"kill", SYS_kill, {kGroup, kSignal}, R::kValue, kNoOut, kNever, 4},
      {"tgkill", SYS_tgkill, {kPid, kPid, kSignal}, R::kValue, kNoOut, kNever, 2},
      {"rt_sigaction",
       SYS_rt_sigaction,
       {kSignal, Pointer(FV_FUZZ_SIGACTION), Choice(kZero), Choice(kSetSizes)},
       R::kValue,
       kNoOut,
       kNever,
       4},
      {"rt_sigprocmask",
       SYS_rt_sigprocmask,
       {Choice(kMaskHow), kSigset, kOutbuf, Choice(kSetSizes)},
       R::kValue,
       kOut,
       kNever,
       2},
      {"rt_sigpending", SYS_rt_sigpending, {kOutbuf, Choice(kSetSizes)}, R::kValue, kOut},
      {"rt_sigtimedwait",
       SYS_rt_sigtimedwait,
       {kSigset, Choice(kZero), kTimespec, Choice(kSetSizes)},
       R::kValue,
       kNoOut,
       kMay,
       1},
      {"sigaltstack",
       SYS_sigaltstack,
       {Pointer(FV_FUZZ_STACK), Choice(kZero)},
       R::kValue,
       kNoOut,
       kNever,
       1},
      {"futex",
       SYS_futex,
       {kAddress, Choice(kFutexOps), kWord, kTimespec, kAddress, kWord},
       R::kValue,
       kNoOut,
       kMay,
       3},

  };
}

std::vector<CallSpec> MakeCalls() {
  std::vector<CallSpec> calls;
  for (const auto& family : {MemoryCalls(), TaskCalls(), DescriptorCalls(), SignalCalls(),
                             TimeCalls(), FileCalls(), StateCalls(), OwnCalls()}) {
    calls.insert(calls.end(), family.begin(), family.end());
  }
  std::sort(calls.begin(), calls.end(),
            [](const CallSpec& a, const CallSpec& b) { return a.number < b.number; });
  return calls;
}

constexpr uint64_t kSizes[] = {FV_FUZZ_PAGE,
                               2 * FV_FUZZ_PAGE,
                               4 * FV_FUZZ_PAGE,
                               8 * FV_FUZZ_PAGE,
                               kMaxSize,
                               0,
                               1,
                               FV_FUZZ_PAGE - 1,
                               FV_FUZZ_PAGE + 1,
                               3 * FV_FUZZ_PAGE,
                               ~uint64_t{0},
                               ~uint64_t{0} - 3 * FV_FUZZ_PAGE + 1};
constexpr uint64_t kOffsets[] = {0, 0, 0, 8, FV_FUZZ_PAGE - 8, FV_FUZZ_PAGE - 4, 1, 2048};

}  // namespace

std::span<const CallSpec> Calls() {
  static const std::vector<CallSpec> kCalls = MakeCalls();
  return kCalls;
}

const CallSpec* FindCall(uint16_t number) {
  const auto calls = Calls();
  const auto found =
      std::lower_bound(calls.begin(), calls.end(), number,
                       [](const CallSpec& call, uint16_t n) { return call.number < n; });
  return found != calls.end() && found->number == number ? &*found : nullptr;
}

const CallSpec* FindCall(std::string_view name) {
  for (const CallSpec& call : Calls()) {
    if (call.name == name) return &call;
  }
  return nullptr;
}

bool SendsSignal(const CallSpec& call) {
  switch (call.number) {
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_pidfd_send_signal:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo:
      return true;
    default:
      return false;
  }
}

std::span<const std::string_view> Strings() {
  static constexpr std::string_view kStrings[] = {
#define FV_S(text) text,
      FV_FUZZ_STRINGS(FV_S)
#undef FV_S
  };
  return kStrings;
}

std::span<const uint64_t> Sizes() { return kSizes; }
std::span<const uint64_t> Offsets() { return kOffsets; }

}  // namespace fv::fuzz
