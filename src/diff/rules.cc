// SPDX-License-Identifier: Apache-2.0
#include "src/diff/rules.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <unordered_map>

#include "src/trace/names.h"

namespace fv::diff {
namespace {

using trace::Call;

constexpr Rule kDefault = {"", ResultRule::kExact, Presence::kAlways, ""};

constexpr Rule kRules[] = {
    {"alarm", ResultRule::kSuccess, Presence::kAlways, "the seconds that were left"},
    {"brk", ResultRule::kSuccess, Presence::kAlways, "an address"},
    {"clock_gettime", ResultRule::kExact, Presence::kOptional, "natively through the vDSO"},
    {"clock_nanosleep", ResultRule::kTiming, Presence::kOptional,
     "slept until something has happened"},
    {"clone", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"clone3", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"fork", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"futex", ResultRule::kTiming, Presence::kOptional,
     "whether a lock is free depends on when each thread runs"},
    {"getcpu", ResultRule::kExact, Presence::kOptional, "natively through the vDSO"},
    {"getdents", ResultRule::kSuccess, Presence::kOptional,
     "a directory's order and its size in bytes are the file system's"},
    {"getdents64", ResultRule::kSuccess, Presence::kOptional,
     "a directory's order and its size in bytes are the file system's"},
    {"getpgid", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"getpgrp", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"getpid", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"getppid", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"getrusage", ResultRule::kExact, Presence::kOptional, "asked until time has passed"},
    {"getsid", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"gettid", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"gettimeofday", ResultRule::kExact, Presence::kOptional, "natively through the vDSO"},
    {"kcmp", ResultRule::kZero, Presence::kAlways, "which of two is first in the kernel's memory"},
    {"membarrier", ResultRule::kSuccess, Presence::kAlways, "the commands that this kernel has"},
    {"mmap", ResultRule::kSuccess, Presence::kAlways, "an address"},
    {"mremap", ResultRule::kSuccess, Presence::kAlways, "an address"},
    {"munmap", ResultRule::kExact, Presence::kOptional,
     "trimming to an alignment depends on where a mapping came to lie"},
    {"nanosleep", ResultRule::kTiming, Presence::kOptional, "slept until something has happened"},
    {"rt_sigreturn", ResultRule::kNone, Presence::kAlways, "gives RAX back as it was"},
    {"sched_getaffinity", ResultRule::kSuccess, Presence::kAlways,
     "the size of the kernel's mask of CPUs"},
    {"sched_yield", ResultRule::kExact, Presence::kOptional, "made until something has happened"},
    {"set_tid_address", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"setsid", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"shmat", ResultRule::kSuccess, Presence::kAlways, "an address"},
    {"sysfs", ResultRule::kSuccess, Presence::kAlways, "the types of file systems of this kernel"},
    {"time", ResultRule::kSuccess, Presence::kOptional, "natively through the vDSO"},
    {"timer_getoverrun", ResultRule::kSuccess, Presence::kAlways, "a count of time"},
    {"times", ResultRule::kSuccess, Presence::kOptional, "a time, asked until it has passed"},
    {"vfork", ResultRule::kTask, Presence::kAlways, "a pid"},
    {"wait4", ResultRule::kTask, Presence::kAlways,
     "a pid; of any child: which ends first is chance"},
};

std::unordered_map<uint64_t, const Rule*> ByNumber() {
  std::unordered_map<uint64_t, const Rule*> rules;
  for (const Rule& rule : kRules) rules[trace::FindSyscall(rule.call)->number] = &rule;
  return rules;
}

bool Succeeded(const Call& call) { return call.Error() == 0; }

// Success, or what a race may make of it.
bool ByChance(const Call& call) {
  return Succeeded(call) || call.Interrupted() || call.Error() == EAGAIN || call.Error() == EINTR;
}

// openat2(2): whether `..` leaves the directory could not be told, for somebody on this host
// renamed or mounted something meanwhile. Callers ask again.
bool LostToRename(const Call& call) { return call.number == SYS_openat2 && call.Error() == EAGAIN; }

bool WaitsForAnyChild(const Call& call) {
  return call.number == SYS_wait4 && static_cast<int>(call.arguments[0]) <= 0;
}

bool Polls(const Call& call) {
  return call.number == SYS_wait4 && (call.arguments[2] & WNOHANG) != 0;
}

// Whether a child has ended when it is asked for, and whether another did before, is chance.
bool SamePoll(const TaskPair& calls) {
  const auto by_chance = [](const Call& call) {
    return call.result >= 0 || (call.Error() == ECHILD && WaitsForAnyChild(call));
  };
  return by_chance(calls.native) && by_chance(calls.guest);
}

bool SameTask(const TaskPair& calls, std::optional<size_t> native_task) {
  if (Polls(calls.native) && SamePoll(calls)) return true;
  if (calls.native.result <= 0 || calls.guest.result <= 0) {
    return calls.native.result == calls.guest.result;
  }
  if (WaitsForAnyChild(calls.native)) return true;
  // Processes outside of the run have no place in the tree: any two are alike.
  return native_task == calls.guest.result_task;
}

// An exit's argument is all that it tells.
bool IsExit(const Call& call) { return call.number == SYS_exit || call.number == SYS_exit_group; }

bool SameUnfinished(const TaskPair& calls) {
  if (IsExit(calls.native))
    return (calls.native.arguments[0] & 0xFF) == (calls.guest.arguments[0] & 0xFF);
  // The task was killed inside the call on one side, just before or behind it on the other.
  return true;
}

}  // namespace

std::span<const Rule> Rules() { return kRules; }

const Rule& RuleOf(uint64_t number) {
  static const std::unordered_map<uint64_t, const Rule*> kByNumber = ByNumber();
  const auto found = kByNumber.find(number);
  return found == kByNumber.end() ? kDefault : *found->second;
}

bool IsOptional(const Call& call) {
  const bool as_asked = ByChance(call) || call.Error() == ETIMEDOUT;
  if (RuleOf(call.number).presence == Presence::kOptional && as_asked) return true;
  return call.Interrupted() || LostToRename(call) || FoundNoChild(call);
}

bool FoundNoChild(const Call& call) { return Polls(call) && call.Returned() && call.result == 0; }

bool SameResult(const TaskPair& calls, std::optional<size_t> native_task) {
  const Call& native = calls.native;
  const Call& guest = calls.guest;
  if (!native.Returned() || !guest.Returned()) return SameUnfinished(calls);
  if (native.Interrupted() && guest.Interrupted()) return native.result == guest.result;
  const ResultRule rule = native.source == Call::Source::kKernelFile ? ResultRule::kSuccess
                                                                     : RuleOf(native.number).result;
  switch (rule) {
    case ResultRule::kNone:
      return true;
    case ResultRule::kTiming:
      if (ByChance(native) && ByChance(guest)) return true;
      break;
    case ResultRule::kSuccess:
      if (Succeeded(native) && Succeeded(guest)) return true;
      break;
    case ResultRule::kZero:
      if (native.result > 0 && guest.result > 0) return true;
      break;
    case ResultRule::kTask:
      return SameTask(calls, native_task);
    case ResultRule::kExact:
      break;
  }
  return native.result == guest.result;
}

}  // namespace fv::diff
