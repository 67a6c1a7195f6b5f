// SPDX-License-Identifier: Apache-2.0
//
// Events: what the kernel tells the host as it happens, one 64-byte record each, in the ring
// ChannelHeader::events. The meaning of a..e stands beside each kind.
#pragma once

#include <cstdint>

namespace fv::proto {

// X(name, "text", "a", "b", "c", "d", "e"): names of the arguments, "" = unused (zero).
#define FV_EVENT_KINDS(X)                                                                     \
  X(Boot, "boot", "free_frames", "", "", "", "")                                              \
  X(ForkBegin, "fork-begin", "flags", "parent_mm", "free_frames", "exit_signal", "child_tid") \
  X(ForkPhase, "fork-phase", "phase", "cycles", "free_frames", "", "")                        \
  X(ForkEnd, "fork-end", "child_pid", "ptes", "tables", "vmas", "errno")                      \
  X(CowBreak, "cow-break", "address", "old_pfn", "new_pfn", "", "")                           \
  X(CowReuse, "cow-reuse", "address", "pfn", "", "", "")                                      \
  X(Fault, "fault", "address", "access", "outcome", "pfn", "rip")                             \
  X(Map, "map", "start", "end", "vm_flags", "object", "mm")                                   \
  X(Unmap, "unmap", "start", "end", "mm", "", "")                                             \
  X(Protect, "protect", "start", "end", "vm_flags", "mm", "")                                 \
  X(Exec, "exec", "entry", "stack", "former_pid", "mm", "")                                   \
  X(Exit, "exit", "status", "signal", "tgid", "parent_pid", "")                               \
  X(Reap, "reap", "pid", "status", "", "", "")                                                \
  X(Switch, "switch", "from_pid", "to_pid", "mm", "", "")                                     \
  X(Flush, "flush", "mm", "start", "end", "generation", "")                                   \
  X(Signal, "signal", "signo", "to_pid", "code", "", "")                                      \
  X(Handler, "handler", "signo", "handler", "", "", "")                                       \
  X(SyscallEnter, "syscall-enter", "nr", "arg0", "arg1", "arg2", "arg3")                      \
  X(SyscallExit, "syscall-exit", "nr", "result", "", "", "")                                  \
  X(MissingSyscall, "missing-syscall", "nr", "arg0", "arg1", "arg2", "arg3")                  \
  X(OutOfMemory, "out-of-memory", "order", "site", "", "", "")                                \
  X(Mark, "mark", "id", "value", "", "", "")                                                  \
  X(FailedAllocation, "failed-allocation", "number", "in", "from", "from", "from")            \
  X(NewTask, "new-task", "parent_pid", "parent_tgid", "child_pid", "child_tgid", "")          \
  X(Uid, "uid", "uid", "euid", "suid", "fsuid", "")                                           \
  X(Gid, "gid", "gid", "egid", "sgid", "fsgid", "")                                           \
  X(Session, "session", "sid", "", "", "", "")                                                \
  X(CoreDump, "core-dump", "signo", "bytes", "whole", "", "")                                 \
  /* What the host's reference model of memory lives on. */                                   \
  X(MmCopy, "mm-copy", "parent_mm", "child_mm", "", "", "")                                   \
  X(MmEnd, "mm-end", "mm", "", "", "", "")                                                    \
  X(MapObject, "map-object", "mm", "start", "end", "object", "page_offset")                   \
  X(Advise, "advise", "mm", "start", "end", "vm_flags", "")                                   \
  X(Move, "move", "mm", "from", "to", "bytes", "")                                            \
  X(Own, "own", "mm", "start", "end", "", "")                                                 \
  X(Discard, "discard", "mm", "start", "end", "", "")                                         \
  X(UserWrite, "user-write", "mm", "address", "bytes", "", "")                                \
  X(ObjectWrite, "object-write", "object", "offset", "bytes", "", "")                         \
  X(ObjectCut, "object-cut", "object", "first_page", "", "", "")

enum class EventKind : uint16_t {
#define FV_X(name, ...) k##name,
  FV_EVENT_KINDS(FV_X)
#undef FV_X
      kCount
};

constexpr uint64_t EventBit(EventKind kind) { return uint64_t{1} << static_cast<unsigned>(kind); }
// These are recorded whatever the mask says.
inline constexpr uint64_t kEventsAlways =
    EventBit(EventKind::kMissingSyscall) | EventBit(EventKind::kOutOfMemory) |
    EventBit(EventKind::kBoot) | EventBit(EventKind::kFailedAllocation);

// ForkPhase's first argument, in the order of copy_process.
#define FV_FORK_PHASES(X)                                                    \
  X(Entry, "entry")     /* trap frame read, arguments checked */             \
  X(Task, "task")       /* task structure, kernel stack, credentials, pid */ \
  X(Files, "files")     /* descriptor table, working directory */            \
  X(Signals, "signals") /* handlers and thread-group state */                \
  X(Vmas, "vmas")       /* VMA list and tree */                              \
  X(Tables, "tables")   /* page-table copy */                                \
  X(Publish, "publish") /* pid hash, lists, run queue */                     \
  X(Return, "return")   /* flush and way back */

enum class ForkPhase : uint64_t {
#define FV_X(name, ...) k##name,
  FV_FORK_PHASES(FV_X)
#undef FV_X
      kCount
};

struct EventRecord {
  uint64_t sequence;  // from 0, without gaps: record i is in slot i % capacity
  uint64_t tsc;
  EventKind kind;
  uint16_t cpu;
  uint32_t pid;
  uint64_t a, b, c, d, e;
};
static_assert(sizeof(EventRecord) == 64);

}  // namespace fv::proto
