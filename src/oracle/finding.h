// SPDX-License-Identifier: Apache-2.0
//
// The numbered invariants, the rules that each is made of, and a finding: one place where a rule
// does not hold. docs/invariants.md has a section for each number.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proto/events.h"
#include "proto/pte.h"
#include "proto/records.h"

namespace fv::oracle {

// X(name, invariant, "what the rule says").
#define FV_ORACLE_RULES(X)                                                                         \
  X(WritableShared, 1, "a frame that several private mappings share is writable in none")          \
  X(CowWritable, 1, "an entry marked copy-on-write is not writable")                               \
  X(SharedNotCow, 1, "every mapping of a shared private frame is marked copy-on-write")            \
  X(ZeroWritable, 1, "the zero frame is writable nowhere")                                         \
  X(PrivateFileWritable, 1, "a private mapping never writes to the file's own frame")              \
  X(PinnedReused, 1, "a write takes over a frame only if nothing but the mapping refers to it")    \
  X(FrameRefs, 2, "a frame's count equals the mappings, objects and pins found")                   \
  X(TableRefs, 2, "a page table's count equals the entries that point to it")                      \
  X(ZeroMark, 2, "the zero mark stands on mappings of the zero frame, and only there")             \
  X(NoVma, 3, "every mapping lies in a VMA")                                                       \
  X(MoreThanVma, 3, "an entry allows no more than its VMA")                                        \
  X(SharedPrivateFrame, 4, "a shared mapping maps its object's frame")                             \
  X(SharedCow, 4, "a shared mapping is not marked copy-on-write")                                  \
  X(WrongFilePage, 4, "a file frame is mapped at its own offset")                                  \
  X(OrphanFilePage, 4, "a mapped file frame belongs to an object")                                 \
  X(ForeignFrame, 5, "a user maps only anonymous, file and zero frames")                           \
  X(OutsideRam, 5, "an entry maps a frame of RAM")                                                 \
  X(WindowOpen, 5, "nothing of the kernel is open to user code")                                   \
  X(TableState, 5, "what serves as a page table is recorded as one, of its level")                 \
  X(TableMalformed, 5, "page tables can be walked")                                                \
  X(SharedChanged, 6, "a frame shared copy-on-write keeps its content")                            \
  X(ZeroChanged, 6, "the zero frame is zero")                                                      \
  X(BreakContent, 6, "breaking copy-on-write copies the page")                                     \
  X(ForkContent, 6, "after a fork the child reads what the parent reads")                          \
  X(NoFlush, 7, "a loss of permission is followed by a flush of its address")                      \
  X(FlushGeneration, 7, "flushes are counted")                                                     \
  X(SharedTableWritable, 8, "a shared page table is writable through none of its parents")         \
  X(SharedTableUnmarked, 8, "every parent of a shared page table marks it as shared")              \
  X(SharedTableChanged, 8, "a shared page table changes only by losing write permission")          \
  X(SharedTableCounts, 8, "the marks and counts of shared page tables are those found")            \
  X(TaskMalformed, 9, "tasks, ids and what finds them can be walked")                              \
  X(DuplicatePid, 9, "pids are unique")                                                            \
  X(PidHash, 9, "the pid hash holds the tasks of the list, each in its bucket")                    \
  X(ThreadGroup, 9, "a thread group's ring, leader and members agree")                             \
  X(Children, 9, "parents and children agree")                                                     \
  X(TaskCount, 9, "the kernel's count of tasks is the length of the list")                         \
  X(TaskMm, 9, "a task's address space is on the list and counts its users")                       \
  X(TaskId, 9, "a task has an id of its own with its number, and a process a group and a session") \
  X(IdHash, 9, "an id in use is found under each of its numbers, any other under none")            \
  X(IdChains, 9, "the chains of groups and sessions hold the processes that name them")            \
  X(IdUnused, 9, "a listed id is referred to, and is hashed as long as it is in use")              \
  X(PidSpace, 9, "a pid namespace counts its ids and those who refer to it")                       \
  X(CpuCurrent, 9, "a CPU runs a task of the list on that task's page tables")                     \
  X(VmaMalformed, 10, "VMA list and tree can be walked")                                           \
  X(VmaOrder, 10, "VMAs are aligned, sorted, disjoint and in user space")                          \
  X(VmaTree, 10, "the VMA tree holds the VMAs of the list, in order")                              \
  X(VmaTotals, 10, "an address space's totals are those of its VMAs")                              \
  X(ForkVmas, 10, "after a fork the child has the parent's VMAs but those not to be copied")       \
  X(FreeFrames, 11, "free frames are as many as the kernel says")                                  \
  X(MmPages, 11, "an address space's page counts are those of its tables")                         \
  X(ObjectPages, 11, "an object's page count is that of its tree")                                 \
  X(SlabObjects, 11, "a slab cache holds the objects that are reachable")                          \
  X(SlabFrames, 11, "slab caches hold the slab frames")                                            \
  X(LeftBehind, 11, "dead processes left nothing behind")                                          \
  X(AccountMalformed, 11, "the kernel's lists of objects can be walked")                           \
  X(Canary, 12, "the end of every kernel stack is untouched")                                      \
  X(Committed, 13, "what is promised is what mappings and objects are charged for")                \
  X(NotCharged, 13, "a private writable mapping is charged unless it asked not to be")             \
  X(Origin, 14, "a user frame names its lineage or object, and its page index there")              \
  X(Mappers, 14, "a lineage and an object list the mappings that name them")                       \
  X(ShareCount, 15, "what tasks share counts the tasks that name it")                              \
  X(LiveThreads, 15, "a thread group counts its threads that have not begun to exit")              \
  X(ZombieHolds, 15, "a zombie holds no files, directory or program, and keeps nobody waiting")    \
  X(Descriptors, 15, "a descriptor table's counts are its slots', which name open files")          \
  X(FileHolders, 15, "a file counts at least the descriptors and programs that hold it")           \
  X(PendingQueue, 15, "a queued signal is in the set of pending ones")                             \
  X(UserCount, 15, "a user's counts are those of the tasks, signals and credentials found")        \
  X(ProcessMalformed, 15, "what tasks share can be walked")                                        \
  X(QueueEntry, 16, "an entry of a wait queue belongs to a task that sleeps")                      \
  X(FutexEntry, 16, "an entry of a futex queue belongs to a task that sleeps")                     \
  X(QueueMalformed, 16, "queues of those who wait, and the heap of timers, can be walked")         \
  X(TimerHeap, 16, "armed timers are in order, and the host knows of the earliest")                \
  X(TimerOwner, 16, "an armed timer is of a sleeping task, a live group or an open file")          \
  X(ForkIdentity, 17, "a child has the identity that the call asked for")                          \
  X(ForkShares, 17, "a child shares with its parent what the call asked for, and nothing else")    \
  X(ForkInherits, 17, "a child's copies are equal to what its parent has")                         \
  X(ForkFresh, 17, "a child starts without pending signals and timers")                            \
  X(VforkWaits, 17, "a parent sleeps while its vfork child has its memory")                        \
  X(FailedFork, 18, "a failed fork leaves everything as it was")                                   \
  X(ExecFresh, 19, "a new program finds only what exec preserves")                                 \
  X(ExitWord, 20, "a dead thread's tid is gone from where it asked for it to be cleared")          \
  X(ExitRobust, 20, "no robust futex names a dead thread as its owner")                            \
  X(ExitTold, 20, "a dead process's parent was told, or the process is gone")                      \
  X(ModelStory, 21, "the events tell one story")                                                   \
  X(ModelVisible, 21, "a page is visible, and keeps what was written, exactly as the events say")  \
  X(ModelFrame, 21, "two pages are in one frame exactly if the events made them the same")         \
  X(ModelRights, 21, "a process writes directly only to what it alone sees, or shares")            \
  X(ModelContent, 21, "a page that became a process's own shows what it showed before")            \
  X(WrittenByNobody, 22, "memory changes only by those who may write it")

enum class Rule : uint8_t {
#define FV_X(name, ...) k##name,
  FV_ORACLE_RULES(FV_X)
#undef FV_X
      kCount
};

inline constexpr unsigned kInvariants = 22;
// 1 to kInvariants.
unsigned InvariantOf(Rule rule);
const char* RuleName(Rule rule);
const char* RuleText(Rule rule);
const char* InvariantTitle(unsigned invariant);

struct Finding {
  Rule rule;
  proto::GuestPtr mm = 0;  // address space concerned, or 0
  uint32_t pid = 0;        // a task of it, or the task concerned; 0 = none known
  std::string comm;
  uint64_t address = 0;  // user address, or guest pointer of the structure
  std::optional<proto::Pte> pte;
  std::optional<uint64_t> pfn;
  proto::FrameRecord frame = {};  // of `pfn`
  std::string sentence;           // what was found, with numbers
};

// Collects findings up to a limit; the rest is counted. A broken guest may break a rule at every
// page, and nobody reads the 10,000th line.
class Findings {
 public:
  explicit Findings(size_t limit = 1000) : limit_(limit) {}
  Finding& Add(Rule rule, std::string sentence);
  std::vector<Finding>& list() { return list_; }
  const std::vector<Finding>& list() const { return list_; }
  bool full() const { return list_.size() >= limit_; }
  uint64_t suppressed() const { return suppressed_; }

 private:
  size_t limit_;
  uint64_t suppressed_ = 0;
  std::vector<Finding> list_;
  Finding overflow_{};
};

// The finding as text of several lines, the last events below it, oldest first.
std::string FindingText(const Finding& finding, std::span<const proto::EventRecord> last_events);

}  // namespace fv::oracle
