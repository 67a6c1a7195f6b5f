// SPDX-License-Identifier: Apache-2.0
//
// What a task is and may: user ids, capabilities, limits, scheduling, names; the rest of the calls
// about memory; and the executor's own. What natively depends on the user and the machine that the
// fuzzer runs on is for guests only.
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "src/fuzz/call_rows.h"

namespace fv::fuzz {
namespace {

constexpr Named kUsers[] = {{"0", 0}, {"1000", 1000}, {"1001", 1001}, {"-1", 0xFFFFFFFF}};
constexpr Named kResources[] = {FV_N(RLIMIT_CORE),
                                FV_N(RLIMIT_NOFILE),
                                FV_N(RLIMIT_NPROC),
                                FV_N(RLIMIT_AS),
                                FV_N(RLIMIT_DATA),
                                FV_N(RLIMIT_STACK),
                                FV_N(RLIMIT_CPU),
                                FV_N(RLIMIT_FSIZE),
                                FV_N(RLIMIT_MEMLOCK),
                                FV_N(RLIMIT_SIGPENDING),
                                FV_N(RLIMIT_NICE),
                                FV_N(RLIMIT_RTPRIO),
                                {"99", 99}};
constexpr Named kPolicies[] = {FV_N(SCHED_OTHER), FV_N(SCHED_FIFO), FV_N(SCHED_RR),
                               FV_N(SCHED_BATCH), FV_N(SCHED_IDLE), {"9", 9}};
constexpr Named kPriorityOf[] = {FV_N(PRIO_PROCESS), FV_N(PRIO_PGRP), FV_N(PRIO_USER), {"9", 9}};
constexpr Named kNice[] = {{"0", 0}, {"1", 1}, {"19", 19}, {"-5", ~uint64_t{4}}};
constexpr Named kIoWho[] = {
    {"IOPRIO_WHO_PROCESS", 1}, {"IOPRIO_WHO_PGRP", 2}, {"IOPRIO_WHO_USER", 3}, {"9", 9}};
constexpr Named kIoPriorities[] = {{"none", 0},
                                   {"best effort 4", 2 << 13 | 4},
                                   {"real time 1", 1 << 13 | 1},
                                   {"idle", 3 << 13},
                                   {"9", 9 << 13}};
constexpr Named kBytes[] = {{"8", 8}, {"128", 128}, {"4", 4}};
constexpr Named kSchedSize[] = {{"48", 48}, {"56", 56}, {"8", 8}};
constexpr Named kPrctlValues[] = {
    FV_N(PR_SET_KEEPCAPS), FV_N(PR_GET_KEEPCAPS), FV_N(PR_SET_SECUREBITS), FV_N(PR_GET_SECUREBITS),
    FV_N(PR_CAPBSET_READ), FV_N(PR_CAPBSET_DROP), FV_N(PR_SET_TIMERSLACK), FV_N(PR_GET_TIMERSLACK),
    FV_N(PR_GET_DUMPABLE), FV_N(PR_SET_DUMPABLE)};
constexpr Named kPrctlPointers[] = {FV_N(PR_SET_NAME), FV_N(PR_GET_NAME), FV_N(PR_GET_PDEATHSIG),
                                    FV_N(PR_GET_CHILD_SUBREAPER), FV_N(PR_GET_TID_ADDRESS)};
constexpr Named kAmbient[] = {FV_N(PR_CAP_AMBIENT)};
constexpr Named kAmbientOps[] = {FV_N(PR_CAP_AMBIENT_RAISE), FV_N(PR_CAP_AMBIENT_LOWER),
                                 FV_N(PR_CAP_AMBIENT_IS_SET), FV_N(PR_CAP_AMBIENT_CLEAR_ALL)};
constexpr Named kCapabilities[] = {FV_N(CAP_CHOWN),     FV_N(CAP_KILL), FV_N(CAP_SETUID),
                                   FV_N(CAP_SYS_ADMIN), {"99", 99},     {"1", 1}};
constexpr Named kRusage[] = {
    FV_N(RUSAGE_SELF), FV_N(RUSAGE_CHILDREN), FV_N(RUSAGE_THREAD), {"9", 9}};
constexpr Named kLockFlags[] = {FV_N(MCL_CURRENT), FV_N(MCL_FUTURE), FV_N(MCL_ONFAULT)};
constexpr Named kLock2Flags[] = {{"MLOCK_ONFAULT", 1}};
constexpr Named kGuards[] = {{"MADV_GUARD_INSTALL", 102}, {"MADV_GUARD_REMOVE", 103},
                             FV_N(MADV_DODUMP),           FV_N(MADV_PAGEOUT),
                             FV_N(MADV_HUGEPAGE),         FV_N(MADV_NOHUGEPAGE),
                             FV_N(MADV_MERGEABLE),        FV_N(MADV_UNMERGEABLE)};
constexpr Named kProcessAdvice[] = {FV_N(MADV_COLD), FV_N(MADV_PAGEOUT), FV_N(MADV_WILLNEED),
                                    FV_N(MADV_DONTNEED)};
constexpr Named kRemapPages[] = {{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}};
constexpr Named kBarriers[] = {{"MEMBARRIER_CMD_QUERY", 0},
                               {"MEMBARRIER_CMD_GLOBAL", 1},
                               {"PRIVATE_EXPEDITED", 8},
                               {"REGISTER_PRIVATE_EXPEDITED", 16},
                               {"9", 9}};
constexpr Named kCompareTypes[] = {{"KCMP_FILE", 0}, {"KCMP_VM", 1},      {"KCMP_FILES", 2},
                                   {"KCMP_FS", 3},   {"KCMP_SIGHAND", 4}, {"9", 9}};
constexpr Named kRseqBytes[] = {{"32", 32}, {"16", 16}};
constexpr Named kRseqFlags[] = {{"0", 0}, {"RSEQ_FLAG_UNREGISTER", 1}};
constexpr Named kRseqSignature[] = {{"0x53053053", 0x53053053}};
constexpr Named kRobustBytes[] = {{"24", 24}, {"8", 8}};
constexpr Named kGroupCounts[] = {{"0", 0}, {"1", 1}, {"2", 2}, {"64", 64}, {"-1", 0xFFFFFFFF}};
constexpr Named kNameBytes[] = {{"1", 1}, {"4", 4}, {"65", 65}};
constexpr Named kStrategies[] = {
    {"classic", kClassicFork}, {"eager", 1}, {"ondemand", 2}, {"recent", 3}};
constexpr Named kFails[] = {{"1", 1},
                            {"2", 2},
                            {"3", 3},
                            {"4", 4},
                            {"5", 5},
                            {"6", 6},
                            {"7", 7},
                            {"8", 8},
                            {"9", 9},
                            {"10", 10},
                            {"11", 11},
                            {"12", 12},
                            {"14", 14},
                            {"16", 16},
                            {"18", 18},
                            {"20", 20},
                            {"24", 24},
                            {"32", 32},
                            {"each", FV_FUZZ_FAIL_EACH},
                            {"each", FV_FUZZ_FAIL_EACH}};
constexpr Named kFaults[] = {{"divide", FV_FUZZ_DIVIDE},
                             {"undefined", FV_FUZZ_UNDEFINED},
                             {"breakpoint", FV_FUZZ_BREAKPOINT},
                             {"privileged", FV_FUZZ_PRIVILEGED},
                             {"jump_null", FV_FUZZ_JUMP_NULL},
                             {"jump_far", FV_FUZZ_JUMP_FAR},
                             {"jump_data", FV_FUZZ_JUMP_DATA},
                             {"load_far", FV_FUZZ_LOAD_FAR},
                             {"x87", FV_FUZZ_X87},
                             {"sse", FV_FUZZ_SSE},
                             {"overflow", FV_FUZZ_OVERFLOW}};

constexpr auto kGuest = Compared::kGuestOnly;
constexpr ArgumentSpec kUser = Choice(kUsers);

std::vector<CallSpec> CredentialCalls() {
  return {
      {.name = "setuid", .number = SYS_setuid, .arguments = {kUser}, .compared = kGuest},
      {.name = "setgid", .number = SYS_setgid, .arguments = {kUser}, .compared = kGuest},
      {.name = "setreuid", .number = SYS_setreuid, .arguments = {kUser, kUser}, .compared = kGuest},
      {.name = "setresuid",
       .number = SYS_setresuid,
       .arguments = {kUser, kUser, kUser},
       .compared = kGuest},
      {.name = "setresgid",
       .number = SYS_setresgid,
       .arguments = {kUser, kUser, kUser},
       .compared = kGuest},
      {.name = "setfsuid", .number = SYS_setfsuid, .arguments = {kUser}, .compared = kGuest},
      {.name = "setgroups",
       .number = SYS_setgroups,
       .arguments = {Choice(kGroupCounts), kValueWord},
       .compared = kGuest},
      {.name = "getgroups",
       .number = SYS_getgroups,
       .arguments = {Choice(kGroupCounts), kOutbuf},
       .compared = kGuest},
      {.name = "capset",
       .number = SYS_capset,
       .arguments = {kValueWord, Pointer(FV_FUZZ_CAPS)},
       .compared = kGuest},
      {.name = "prctl_value",
       .number = FV_FUZZ_VARIANT(SYS_prctl, 1),
       .arguments = {Choice(kPrctlValues), Choice(kCapabilities), Choice(kZero), Choice(kZero),
                     Choice(kZero)},
       .weight = 2,
       .compared = kGuest},
      {.name = "prctl_pointer",
       .number = FV_FUZZ_VARIANT(SYS_prctl, 2),
       .arguments = {Choice(kPrctlPointers), kString, Choice(kZero), Choice(kZero), Choice(kZero)}},
      {.name = "prctl_ambient",
       .number = FV_FUZZ_VARIANT(SYS_prctl, 3),
       .arguments = {Choice(kAmbient), Choice(kAmbientOps), Choice(kCapabilities), Choice(kZero),
                     Choice(kZero)},
       .compared = kGuest},
  };
}

std::vector<CallSpec> SchedulingCalls() {
  return {
      {.name = "prlimit64",
       .number = SYS_prlimit64,
       .arguments = {kPid, Choice(kResources), Pointer(FV_FUZZ_RLIMIT), kOutbuf},
       .weight = 4,
       .compared = kGuest},
      // The value is the fuzzer's own.
      {.name = "getpriority",
       .number = SYS_getpriority,
       .arguments = {Choice(kPriorityOf), kPid},
       .result = ResultType::kSuccess},
      {.name = "setpriority",
       .number = SYS_setpriority,
       .arguments = {Choice(kPriorityOf), kPid, Choice(kNice)},
       .compared = kGuest},
      {.name = "sched_setscheduler",
       .number = SYS_sched_setscheduler,
       .arguments = {kPid, Choice(kPolicies), kValueWord},
       .compared = kGuest},
      {.name = "sched_getscheduler",
       .number = SYS_sched_getscheduler,
       .arguments = {kPid},
       .result = ResultType::kSuccess},
      {.name = "sched_setparam",
       .number = SYS_sched_setparam,
       .arguments = {kPid, kValueWord},
       .compared = kGuest},
      {.name = "sched_getparam", .number = SYS_sched_getparam, .arguments = {kPid, kOutbuf}},
      {.name = "sched_setattr",
       .number = SYS_sched_setattr,
       .arguments = {kPid, Pointer(FV_FUZZ_SCHED), Choice(kZero)},
       .compared = kGuest},
      {.name = "sched_getattr",
       .number = SYS_sched_getattr,
       .arguments = {kPid, kOutbuf, Choice(kSchedSize), Choice(kZero)},
       .compared = kGuest},
      {.name = "sched_rr_get_interval",
       .number = SYS_sched_rr_get_interval,
       .arguments = {kPid, kOutbuf},
       .compared = kGuest},
      {.name = "sched_setaffinity",
       .number = SYS_sched_setaffinity,
       .arguments = {kPid, Choice(kBytes), kValueWord},
       .compared = kGuest},
      {.name = "sched_getaffinity",
       .number = SYS_sched_getaffinity,
       .arguments = {kPid, Choice(kBytes), kOutbuf},
       .compared = kGuest},
      {.name = "ioprio_set",
       .number = SYS_ioprio_set,
       .arguments = {Choice(kIoWho), kPid, Choice(kIoPriorities)},
       .weight = 2,
       .compared = kGuest},
      {.name = "ioprio_get",
       .number = SYS_ioprio_get,
       .arguments = {Choice(kIoWho), kPid},
       .compared = kGuest},
      {.name = "getrusage",
       .number = SYS_getrusage,
       .arguments = {Choice(kRusage), kOutbuf},
       .compared = kGuest},
      {.name = "times", .number = SYS_times, .arguments = {kOutbuf}, .compared = kGuest},
      {.name = "sysinfo", .number = SYS_sysinfo, .arguments = {kOutbuf}, .compared = kGuest},
      {.name = "sethostname",
       .number = SYS_sethostname,
       .arguments = {kString, Choice(kNameBytes)},
       .compared = kGuest},
      {.name = "kcmp",
       .number = SYS_kcmp,
       .arguments = {kPid, kPid, Choice(kCompareTypes), kFd, kFd},
       .compared = kGuest},
  };
}

std::vector<CallSpec> ThreadCalls() {
  return {
      {.name = "set_robust_list",
       .number = SYS_set_robust_list,
       .arguments = {Pointer(FV_FUZZ_ROBUST), Choice(kRobustBytes)},
       .weight = 2,
       .compared = kGuest},
      {.name = "set_tid_address",
       .number = SYS_set_tid_address,
       .arguments = {kAddress},
       .result = ResultType::kTask},
      {.name = "rseq",
       .number = SYS_rseq,
       .arguments = {kAddress, Choice(kRseqBytes), Choice(kRseqFlags), Choice(kRseqSignature)},
       .weight = 3,
       .compared = kGuest},
      {.name = "membarrier",
       .number = SYS_membarrier,
       .arguments = {Choice(kBarriers), Choice(kZero), Choice(kZero)},
       .compared = kGuest},
  };
}

std::vector<CallSpec> MoreMemoryCalls() {
  return {
      {.name = "mlockall",
       .number = SYS_mlockall,
       .arguments = {Flags(kLockFlags, MCL_CURRENT)},
       .compared = kGuest},
      {.name = "munlockall", .number = SYS_munlockall, .arguments = {}, .compared = kGuest},
      {.name = "mlock2", .number = SYS_mlock2, .arguments = {kAddress, kSize, Flags(kLock2Flags)}},
      {.name = "remap_file_pages",
       .number = SYS_remap_file_pages,
       .arguments = {kAddress, kSize, Choice(kZero), Choice(kRemapPages), Choice(kZero)},
       .weight = 2,
       .compared = kGuest},
      {.name = "madvise_more",
       .number = FV_FUZZ_VARIANT(SYS_madvise, 1),
       .arguments = {kAddress, kSize, Choice(kGuards)},
       .weight = 3,
       .compared = kGuest},
      {.name = "process_madvise",
       .number = SYS_process_madvise,
       .arguments = {kFd, kIovec, Choice(kOne), Choice(kProcessAdvice), Choice(kZero)},
       .compared = kGuest},
      {.name = "process_mrelease",
       .number = SYS_process_mrelease,
       .arguments = {kFd, Choice(kZero)},
       .compared = kGuest},
  };
}

}  // namespace

std::vector<CallSpec> StateCalls() {
  std::vector<CallSpec> calls;
  for (const auto& family :
       {CredentialCalls(), SchedulingCalls(), ThreadCalls(), MoreMemoryCalls()}) {
    calls.insert(calls.end(), family.begin(), family.end());
  }
  return calls;
}

std::vector<CallSpec> OwnCalls() {
  return {
      {.name = "strategy",
       .number = FV_FUZZ_STRATEGY,
       .arguments = {Choice(kStrategies)},
       .weight = 6},
      {.name = "fail",
       .number = FV_FUZZ_FAIL,
       .arguments = {Choice(kFails)},
       .weight = 10,
       .compared = kGuest},
      {.name = "fault", .number = FV_FUZZ_FAULT, .arguments = {Choice(kFaults)}, .weight = 3},
  };
}

}  // namespace fv::fuzz
