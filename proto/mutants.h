// SPDX-License-Identifier: Apache-2.0
//
// Mutants: bugs of the kind that real kernels had, compiled into a kernel of its own for tests
// (FV_MUTANTS) and switched on one at a time by BootInfo::mutant. The oracle must catch each, by
// the invariant that it breaks. docs/invariants.md tells their stories.
#pragma once

#include <cstdint>

namespace fv::proto {

// X(Name, "program", "argument", "strategy"): what a mutant is caught with, a program of guest/user
// and a fork strategy. "" is no argument.
#define FV_MUTANT_PROBES(X)                 \
  X(Memory, "mutant_probe", "", "classic")  \
  X(Tables, "mutant_probe", "", "ondemand") \
  X(Tasks, "mutant_tasks", "", "classic")   \
  X(Failures, "mutant_failures", "each", "classic")

// X(number, Name, "name", invariant, Probe, "the bug"). Numbers are constant for ever.
#define FV_MUTANT_LIST(X)                                                                          \
  X(1, ForkKeepsWrite, "fork-keeps-write", 1, Memory, "fork leaves the parent's entries writable") \
  X(2, ForkLosesReference, "fork-loses-reference", 2, Memory,                                      \
    "fork does not count the child's mapping")                                                     \
  X(3, ForkSkipsFlush, "fork-skips-flush", 7, Memory,                                              \
    "fork does not flush what it write-protected")                                                 \
  X(4, BreakCopiesOther, "break-copies-other", 6, Memory,                                          \
    "breaking copy-on-write copies another page")                                                  \
  X(5, BreakBackwards, "break-backwards", 6, Memory,                                               \
    "breaking copy-on-write copies the wrong way")                                                 \
  X(6, ReuseShared, "reuse-shared", 1, Memory, "a write takes over a frame that others still map") \
  X(7, UnmapKeepsEntries, "unmap-keeps-entries", 3, Memory,                                        \
    "munmap frees the frames, not the entries")                                                    \
  X(8, ProtectForgets, "protect-forgets", 3, Memory,                                               \
    "mprotect changes the mapping, not its entries")                                               \
  X(9, UnmapSkipsFlush, "unmap-skips-flush", 7, Memory, "munmap does not flush")                   \
  X(10, DontCopyCopied, "dontcopy-copied", 10, Memory, "fork copies what MADV_DONTFORK kept out")  \
  X(11, TotalsForgotten, "totals-forgotten", 10, Memory, "munmap does not lower the total size")   \
  X(12, ZeroWritable, "zero-writable", 1, Memory,                                                  \
    "a read of fresh memory maps the zero frame writable")                                         \
  X(13, ChildNotHashed, "child-not-hashed", 9, Memory,                                             \
    "fork does not enter the child in the pid hash")                                               \
  X(14, ExitKeepsMm, "exit-keeps-mm", 9, Memory, "exit does not let go of the address space")      \
  X(15, FreeUncounted, "free-uncounted", 11, Memory, "freed frames are not counted as free")       \
  X(16, StackLeaked, "stack-leaked", 11, Memory, "the kernel stack of a dead task is not freed")   \
  X(17, NoCanary, "no-canary", 12, Memory, "a new kernel stack has no canary")                     \
  X(18, SharedAsPrivate, "shared-as-private", 4, Memory, "fork treats shared mappings as private") \
  X(19, WrongFilePage, "wrong-file-page", 4, Memory, "a fault maps the page after the right one")  \
  X(20, BreakFreesTwice, "break-frees-twice", 5, Memory,                                           \
    "breaking copy-on-write drops two references")                                                 \
  X(21, WipeForgotten, "wipe-forgotten", 6, Memory,                                                \
    "fork copies what MADV_WIPEONFORK was to wipe")                                                \
  X(22, TableLeaked, "table-leaked", 2, Memory, "munmap forgets to free an empty page table")      \
  X(23, ResidentWrong, "resident-wrong", 11, Memory, "munmap does not lower the resident size")    \
  X(24, CommitDrift, "commit-drift", 13, Memory,                                                   \
    "munmap does not give back what it was charged for")                                           \
  X(25, SharedTableWritable, "shared-table-writable", 8, Tables,                                   \
    "a shared page table stays writable")                                                          \
  X(26, LineageForgotten, "lineage-forgotten", 14, Memory,                                         \
    "fork does not enter the child's mappings")                                                    \
  X(27, ChildKeepsWrite, "child-keeps-write", 1, Memory,                                           \
    "fork leaves the child's entries writable")                                                    \
  X(28, ForkCountsTwice, "fork-counts-twice", 2, Memory, "fork counts the child's mapping twice")  \
  X(29, PrivateAsShared, "private-as-shared", 1, Memory, "fork treats private mappings as shared") \
  X(30, VmaOffByOne, "vma-off-by-one", 10, Memory,                                                 \
    "fork gives the child's mapping a page too few")                                               \
  X(31, ThirdUncounted, "third-uncounted", 2, Memory,                                              \
    "fork does not count a grandchild's mapping")                                                  \
  X(32, BreakCopiesHalf, "break-copies-half", 6, Memory,                                           \
    "breaking copy-on-write copies half of the page")                                              \
  X(33, WriteThrough, "write-through", 6, Memory,                                                  \
    "the kernel writes through an entry that is read-only")                                        \
  X(34, PinIgnored, "pin-ignored", 1, Memory, "a write takes over a frame that a pipe has pinned") \
  X(35, ProtectSkipsFlush, "protect-skips-flush", 7, Memory, "mprotect does not flush")            \
  X(36, MoveSkipsFlush, "move-skips-flush", 7, Memory, "mremap does not flush the old place")      \
  X(37, UnmapOffByOne, "unmap-off-by-one", 3, Memory, "munmap leaves the entry of the last page")  \
  X(38, CutKeepsPages, "cut-keeps-pages", 4, Memory,                                               \
    "ftruncate leaves the mappings of what it cut off")                                            \
  X(39, LockedDrift, "locked-drift", 10, Memory, "munmap does not lower the locked size")          \
  X(40, ForkUncharged, "fork-uncharged", 13, Memory,                                               \
    "fork does not charge for the child's mappings")                                               \
  X(41, LineageLeaked, "lineage-leaked", 14, Memory,                                               \
    "munmap leaves the mapping on the list of its lineage")                                        \
  X(42, ObjectDrift, "object-drift", 11, Memory, "a page that a file loses stays counted")         \
  X(43, CanaryHit, "canary-hit", 12, Memory, "madvise writes below its kernel stack")              \
  X(44, TableUncounted, "table-uncounted", 2, Tables,                                              \
    "fork shares a page table and does not count it")                                              \
  X(45, SharedUnmapped, "shared-unmapped", 8, Tables,                                              \
    "munmap clears entries of a shared page table")                                                \
  X(46, SharedProtected, "shared-protected", 8, Tables,                                            \
    "mprotect changes entries of a shared page table")                                             \
  X(47, SharedFreed, "shared-freed", 5, Tables, "exit frees what a shared page table maps")        \
  X(48, FailKeepsTask, "fail-keeps-task", 18, Failures, "a failed fork leaves the task")           \
  X(49, FailKeepsCount, "fail-keeps-count", 15, Failures,                                          \
    "a failed fork leaves the user one process more")                                              \
  X(50, FailKeepsPid, "fail-keeps-pid", 18, Failures, "a failed fork leaves the process id")       \
  X(51, FailKeepsFiles, "fail-keeps-files", 18, Failures,                                          \
    "a failed fork leaves references to files")                                                    \
  X(52, FailKeepsSignals, "fail-keeps-signals", 18, Failures,                                      \
    "a failed fork leaves the signal structures")                                                  \
  X(53, FailKeepsMm, "fail-keeps-mm", 18, Failures, "a failed copy of an address space is left")   \
  X(54, FailKeepsCharge, "fail-keeps-charge", 13, Failures,                                        \
    "a failed copy of a mapping stays charged")                                                    \
  X(55, FailKeepsStack, "fail-keeps-stack", 18, Failures, "a task without FPU area is left")       \
  X(56, FailKeepsRecord, "fail-keeps-record", 18, Failures, "a task without kernel stack is left") \
  X(57, FailKeepsRoot, "fail-keeps-root", 18, Failures,                                            \
    "an address space without page tables is left")                                                \
  X(58, FailKeepsTable, "fail-keeps-table", 18, Failures,                                          \
    "a half-copied descriptor table is left")                                                      \
  X(59, VisibleEarly, "visible-early", 9, Failures,                                                \
    "a child is on the list of tasks before it is complete")                                       \
  X(60, CountsThreadLive, "counts-thread-live", 15, Tasks,                                         \
    "a dying thread is not taken off the count of the living")                                     \
  X(61, VforkEarly, "vfork-early", 17, Tasks,                                                      \
    "vfork returns before the child has let go of the memory")                                     \
  X(62, TidKept, "tid-kept", 20, Tasks, "exit does not clear the thread's tid")                    \
  X(63, RobustSkipped, "robust-skipped", 20, Tasks,                                                \
    "exit does not walk the list of robust futexes")                                               \
  X(64, HandlersShared, "handlers-shared", 17, Tasks, "fork shares the signal handlers")           \
  X(65, PendingInherited, "pending-inherited", 17, Tasks,                                          \
    "fork copies the set of pending signals")                                                      \
  X(66, WrongExitSignal, "wrong-exit-signal", 17, Tasks,                                           \
    "fork gives the child its parent's exit signal")                                               \
  X(67, FilesShared, "files-shared", 17, Tasks, "fork shares the descriptor table")                \
  X(68, DirectoryShared, "directory-shared", 17, Tasks,                                            \
    "fork shares the working directory and umask")                                                 \
  X(69, UmaskForgotten, "umask-forgotten", 17, Tasks, "fork does not copy the umask")              \
  X(70, LimitsForgotten, "limits-forgotten", 17, Tasks, "fork does not copy the resource limits")  \
  X(71, MaskForgotten, "mask-forgotten", 17, Tasks, "fork does not copy the signal mask")          \
  X(72, CloexecDropped, "cloexec-dropped", 17, Tasks,                                              \
    "fork forgets which descriptors are to be closed")                                             \
  X(73, TimerInherited, "timer-inherited", 17, Tasks,                                              \
    "fork arms the child's interval timer as well")                                                \
  X(74, FileUncounted, "file-uncounted", 15, Tasks,                                                \
    "fork does not count the copies of descriptors")                                               \
  X(75, CredentialsLeaked, "credentials-leaked", 15, Tasks,                                        \
    "exit does not let go of the credentials")                                                     \
  X(76, UserDrift, "user-drift", 15, Tasks, "a reaped process still counts for its user")          \
  X(77, SignalUncharged, "signal-uncharged", 15, Tasks,                                            \
    "a queued signal is not charged to its user")                                                  \
  X(78, SlotDrift, "slot-drift", 15, Tasks, "a closed descriptor stays counted")                   \
  X(79, ExitKeepsFiles, "exit-keeps-files", 15, Tasks, "exit does not let go of the descriptors")  \
  X(80, ExitKeepsDirectory, "exit-keeps-directory", 15, Tasks,                                     \
    "exit does not let go of the working directory")                                               \
  X(81, FutexLeft, "futex-left", 16, Tasks,                                                        \
    "a futex wait that times out leaves its entry in the queue")                                   \
  X(82, WaiterLeft, "waiter-left", 16, Tasks,                                                      \
    "a wait that is interrupted leaves its entry in the queue")                                    \
  X(83, TimerLeft, "timer-left", 16, Tasks, "exit leaves the interval timer armed")                \
  X(84, HeapOrder, "heap-order", 16, Tasks, "the heap of timers is in the wrong order")            \
  X(85, DeadlineUntold, "deadline-untold", 16, Tasks,                                              \
    "the host is not told that no timer is left")                                                  \
  X(86, ExecKeepsTimers, "exec-keeps-timers", 19, Tasks, "exec keeps POSIX timers")                \
  X(87, ExecKeepsDescriptors, "exec-keeps-descriptors", 19, Tasks,                                 \
    "exec leaves close-on-exec descriptors open")                                                  \
  X(88, ExecKeepsHandlers, "exec-keeps-handlers", 19, Tasks, "exec keeps the signal handlers")     \
  X(89, ExecKeepsMm, "exec-keeps-mm", 9, Tasks, "exec does not let go of the old address space")   \
  X(90, ExecKeepsMappings, "exec-keeps-mappings", 19, Tasks,                                       \
    "exec keeps a mapping of the old program")                                                     \
  X(91, SigchldLost, "sigchld-lost", 20, Tasks, "a dead child's parent is not told")               \
  X(92, ZombieKept, "zombie-kept", 20, Tasks, "a parent that ignores SIGCHLD gets zombies")        \
  X(93, TaskLeaked, "task-leaked", 11, Tasks, "a reaped task is not freed")                        \
  X(94, GroupForgotten, "group-forgotten", 9, Tasks,                                               \
    "fork does not enter the child in its process group")                                          \
  X(95, ThreadUnlinked, "thread-unlinked", 9, Tasks,                                               \
    "a new thread is not in the ring of its group")                                                \
  X(96, OrphanForgotten, "orphan-forgotten", 9, Tasks, "a dead parent keeps its children")         \
  X(97, PidfdLeft, "pidfd-left", 18, Failures, "a failed fork leaves the pidfd in its parent")     \
  X(98, ExitKeepsProgram, "exit-keeps-program", 11, Tasks,                                         \
    "exit does not let go of the program's file")

// Bugs that break no invariant of the oracle's: the kernel's own checks find them
// (//guest:kernel_kasan, docs/memory.md) when guest/user's sanitizer_probe runs.
// X(number, Name, "name", "tool", "kind", "the bug"). Numbers are constant for ever.
#define FV_SANITIZER_MUTANT_LIST(X)                                              \
  X(201, MappingUsedFreed, "mapping-used-freed", "kasan", "slab-use-after-free", \
    "munmap reads a mapping that it has freed")                                  \
  X(202, GroupsOverrun, "groups-overrun", "kasan", "slab-out-of-bounds",         \
    "setgroups writes behind its list")                                          \
  X(203, GroupsOverread, "groups-overread", "kasan", "block-out-of-bounds",      \
    "getgroups copies more groups than there are")                               \
  X(204, TableUsedFreed, "table-used-freed", "kasan", "frame-use-after-free",    \
    "munmap reads the entries of a page table that it has freed")                \
  X(205, NameOverrun, "name-overrun", "kasan", "stack-out-of-bounds",            \
    "prctl takes a name of one byte too many")                                   \
  X(206, RandomOverread, "random-overread", "kasan", "global-out-of-bounds",     \
    "getrandom reads behind its block")                                          \
  X(207, ChunkFreedTwice, "chunk-freed-twice", "kasan", "double-free",           \
    "the end of a descriptor table frees a part of it twice")                    \
  X(208, SignalShift, "signal-shift", "ubsan", "shift-out-of-bounds",            \
    "kill counts signals in 32 bits")                                            \
  X(209, SleepOverflow, "sleep-overflow", "ubsan", "integer-overflow",           \
    "nanosleep multiplies seconds of any number")

enum class Mutant : uint32_t {
  kNone = 0,
#define FV_X(number, name, ...) k##name = number,
  FV_MUTANT_LIST(FV_X) FV_SANITIZER_MUTANT_LIST(FV_X)
#undef FV_X
};

enum class MutantProbe : uint8_t {
#define FV_X(name, ...) k##name,
  FV_MUTANT_PROBES(FV_X)
#undef FV_X
};

}  // namespace fv::proto
