// SPDX-License-Identifier: Apache-2.0
//
// The part of the kernel's objects that the host may read. These are not copies: the kernel's
// own Task, AddressSpace, Vma, ... derive from these records, so the host sees the truth at every
// safepoint and the kernel pays nothing for being seen. Links are guest-virtual addresses in the
// direct map; the host treats every one as hostile.
//
// Layout rules: standard layout, fixed widths, explicit padding, no constructors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "proto/layout.h"

namespace fv::proto {

// A guest-virtual address inside the direct map, or 0.
using GuestPtr = uint64_t;

// Member of a circular doubly linked list; the list's head is a Link too. Empty: points to
// itself. Not on a list: next == 0.
struct Link {
  GuestPtr next;
  GuestPtr prev;
};

// ---- Physical frames ----------------------------------------------------------------------

enum class FrameState : uint8_t {
  kFree = 0,     // also: never used, record all zero
  kReserved,     // boot image, boot tables, channel, initrd, frame table: never freed
  kPageTable,    // aux = level (1-4); refs = parent entries that point here (roots: 1)
  kSlab,         // aux = GuestPtr of the SlabCacheRecord
  kKernelStack,  // aux = GuestPtr of the TaskRecord
  kKernel,       // other kernel memory (fd tables, pipe buffers, object index nodes)
  kAnon,         // private user page; refs = PTEs that map it + pins; aux = OriginOf its lineage
  // Page of a memory object (file, shared memory); refs = PTEs + 1 for the object + pins; aux =
  // OriginOf the object.
  kFile,
  kZero,  // the zero frame; refs not counted
};

// One per 4 KiB frame of RAM, 16 bytes, in an array at ChannelHeader::frame_table.
struct FrameRecord {
  uint32_t refs;
  FrameState state;
  uint8_t order;  // first frame of a free or allocated block: log2 of its frames
  uint16_t pins;  // kernel references among `refs` that no PTE or object explains
  uint64_t aux;   // by state; free blocks: links of the free list (pfn next:32, prev:32)
};
static_assert(sizeof(FrameRecord) == 16);

// FrameRecord::aux of a page table: its level; for one that is or was shared between address spaces
// (kPteSharedTable), how many of its entries map anonymous frames and how many a file's.
constexpr uint64_t TableAux(unsigned level, uint64_t anon_entries, uint64_t file_entries) {
  return level | anon_entries << 16 | file_entries << 32;
}
constexpr unsigned TableLevel(uint64_t aux) { return aux & 0xFF; }
constexpr uint64_t TableAnonEntries(uint64_t aux) { return aux >> 16 & 0xFFFF; }
constexpr uint64_t TableFileEntries(uint64_t aux) { return aux >> 32 & 0xFFFF; }

// Where a user frame comes from: its holder (a lineage for an anonymous frame, an object for a
// file's) and its page index there, cut to 32 bits. Holders are aligned so that 32 bits name any of
// them in 256 GiB.
inline constexpr uint64_t kOriginAlign = 64;
constexpr uint64_t OriginOf(GuestPtr holder, uint64_t page_index) {
  return (holder - kKernelBase) / kOriginAlign << 32 | (page_index & 0xffffffff);
}
constexpr GuestPtr OriginHolder(uint64_t origin) {
  return kKernelBase + (origin >> 32) * kOriginAlign;
}
constexpr uint32_t OriginIndex(uint64_t origin) { return static_cast<uint32_t>(origin); }

// ---- Slab caches --------------------------------------------------------------------------

struct SlabCacheRecord {
  uint64_t magic;  // kSlabMagic
  Link caches;     // all caches, from ChannelHeader::slab_caches
  char name[24];
  uint32_t object_bytes;
  uint32_t objects_per_slab;
  uint64_t active_objects;
  uint64_t slabs;
  uint64_t frames;           // frames held by the cache
  uint64_t total_allocated;  // since boot
};
inline constexpr uint64_t kSlabMagic = 0x00424C4153505246;
static_assert(sizeof(SlabCacheRecord) == 88);

// ---- Memory objects: pages of a file or of shared anonymous memory ----------------------------

// How overcommit accounting charges an object's pages (Linux: shmem_acct_blocks, shmem_acct_size).
enum class ObjectAccounting : uint64_t {
  kByPage = 0,  // each page when it is made: files, memfd, MAP_NORESERVE
  kBySize,      // the size, when it is set: shared anonymous memory
};

// A radix tree of `height` levels; a node is one frame (FrameState::kKernel) of 512 entries. An
// entry is 0 or (frame address | 1). height 0: root is the single page's entry itself.
struct ObjectRecord {
  uint64_t magic;  // kObjectMagic
  Link objects;    // all objects, from ChannelHeader::objects
  uint64_t root;   // entry (frame address | 1) or 0
  uint32_t height;
  uint32_t refs;   // inodes and VMAs that use it
  uint64_t pages;  // leaf frames present
  uint64_t bytes;  // file size
  ObjectAccounting accounting;
  Link mappings;  // VmaRecord::object_link of the mappings that show it
};
inline constexpr uint64_t kObjectMagic = 0x004A424F50524B46;
// A file of 2^63 - 1 bytes, the most that off_t says, has 2^51 pages.
inline constexpr uint32_t kMaxObjectHeight = 6;
static_assert(sizeof(ObjectRecord) == 80);

// ---- Address spaces -----------------------------------------------------------------------

// Bits of VmaRecord::flags; the low four are Linux's VM_READ, VM_WRITE, VM_EXEC, VM_SHARED.
enum VmaFlag : uint64_t {
  kVmRead = 1u << 0,
  kVmWrite = 1u << 1,
  kVmExec = 1u << 2,
  kVmShared = 1u << 3,
  kVmGrowsDown = 1u << 8,
  kVmDontCopy = 1u << 9,     // MADV_DONTFORK
  kVmWipeOnFork = 1u << 10,  // MADV_WIPEONFORK
  kVmLocked = 1u << 11,
  kVmAccount = 1u << 12,  // its pages are charged (I13)
  kVmNoReserve = 1u << 13,
  kVmStack = 1u << 14,
  kVmHeap = 1u << 15,
  kVmLockOnFault = 1u << 16,  // mlock2(MLOCK_ONFAULT): with kVmLocked
  // Advice that only shows in /proc/PID/smaps (madvise(2)).
  kVmSequential = 1u << 17,
  kVmRandom = 1u << 18,
  kVmDontDump = 1u << 19,
  kVmHugePage = 1u << 20,
  kVmNoHugePage = 1u << 21,
  kVmMergeable = 1u << 22,
  kVmMaybeGuard = 1u << 23,  // may have entries with kPteGuard
};

struct VmaRecord {
  uint64_t magic;  // kVmaMagic
  GuestPtr mm;     // MmRecord
  uint64_t start;  // page aligned, inclusive
  uint64_t end;    // page aligned, exclusive
  uint64_t flags;  // VmaFlag
  // Page index of `start`: in the object; or, for private anonymous memory, in its lineage: the
  // page number of the address where it was first mapped.
  uint64_t page_offset;
  GuestPtr object;  // ObjectRecord, 0 for private anonymous memory
  Link list;        // by address, from MmRecord::vmas
  GuestPtr left;    // search tree by address
  GuestPtr right;
  GuestPtr parent;
  uint64_t balance;  // kernel's business
  GuestPtr lineage;  // LineageRecord; 0 until the mapping has had an anonymous frame
  Link lineage_link;
  Link object_link;  // on ObjectRecord::mappings
};
inline constexpr uint64_t kVmaMagic = 0x00414D5650524B46;
static_assert(sizeof(VmaRecord) == 144);

// The mappings that may map the same anonymous frames: those that descend from one by fork, split
// and move.
struct LineageRecord {
  uint64_t magic;  // kLineageMagic
  Link members;    // VmaRecord::lineage_link
  uint64_t count;  // of members
};
inline constexpr uint64_t kLineageMagic = 0x004E494C50524B46;
static_assert(sizeof(LineageRecord) == 32);

struct MmRecord {
  uint64_t magic;     // kMmMagic
  Link mms;           // all address spaces, from ChannelHeader::mms
  uint64_t root_gpa;  // PML4
  uint32_t users;     // tasks (Linux: mm_users)
  uint32_t count;     // references to the structure (mm_count)
  uint32_t vma_count;
  uint32_t table_frames;  // page-table frames, the root included; shared ones counted in each
  Link vmas;
  GuestPtr vma_root;     // root of the search tree
  uint64_t total_pages;  // sum of VMA lengths (total_vm)
  uint64_t anon_pages;   // present PTEs that map kAnon frames (RSS)
  uint64_t file_pages;   // present PTEs that map kFile frames
  uint64_t locked_pages;
  uint64_t start_brk;
  uint64_t brk;
  uint64_t start_stack;
  uint64_t cow_faults;
  uint64_t faults;
  uint64_t flush_generation;  // incremented by every flush of this address space
  uint32_t shared_tables;     // entries marked kPteSharedTable
  uint32_t fork_strategy;     // how the next fork copies it: a place in fork_strategy.h's array
};
inline constexpr uint64_t kMmMagic = 0x004D4D5652504B46;
static_assert(sizeof(MmRecord) == 160);

// ---- Process ids ----------------------------------------------------------------------------

// The number that a process id has in one pid namespace.
struct PidNumberRecord {
  Link hash;       // the kernel's way from (number, space) to the id
  GuestPtr pid;    // PidRecord
  GuestPtr space;  // PidNamespaceRecord
  uint64_t number;
};
static_assert(sizeof(PidNumberRecord) == 40);

// The bucket of a number in the namespace with `inode`; `buckets` is a power of two. Neighbouring
// numbers of one namespace stay apart; namespaces start at different places.
constexpr uint64_t PidNumberBucket(uint32_t number, uint32_t inode, uint64_t buckets) {
  constexpr uint32_t kGolden = 0x9E3779B1;
  return (number + (inode * kGolden >> 16)) & (buckets - 1);
}

// An id of a task, a process group or a session (Linux: struct pid): one number for each level of
// pid namespaces from the initial one (level 0) down to its own.
struct PidRecord {
  uint64_t magic;        // kPidMagic
  Link pids;             // all, from ChannelHeader::pids
  uint32_t refs;         // one for being in use, the others by descriptors and messages
  uint32_t level;        // of its own namespace
  GuestPtr task;         // TaskRecord; 0: the task is gone, a group or session lives on
  Link group;            // head: leaders of the processes in this process group
  Link session;          // head: leaders of the processes in this session
  PidNumberRecord root;  // in the initial namespace
  GuestPtr deeper;       // PidNumberRecord[level], from level 1 on
};
inline constexpr uint64_t kPidMagic = 0x0044495052504B46;
static_assert(sizeof(PidRecord) == 120);

struct PidNamespaceRecord {
  uint64_t magic;   // kPidNamespaceMagic
  Link spaces;      // all, from ChannelHeader::pid_namespaces; the initial one first
  uint32_t refs;    // ids and namespaces directly in it, tasks whose children go here, files
  uint32_t level;   // 0: the initial one
  GuestPtr parent;  // PidNamespaceRecord; 0: the initial one
  GuestPtr reaper;  // TaskRecord of its init; 0: not yet, or no more
  uint32_t ids;     // that have a number in it, those of deeper levels included
  uint32_t inode;   // its number in /proc/PID/ns
};
inline constexpr uint64_t kPidNamespaceMagic = 0x0053504E52504B46;
static_assert(sizeof(PidNamespaceRecord) == 56);

// ---- Tasks --------------------------------------------------------------------------------

enum class TaskState : uint32_t {
  kRunning = 0,  // on a run queue or on the CPU
  kInterruptible,
  kUninterruptible,
  kStopped,
  kZombie,
  kDead,  // reaped, or a thread that released itself; about to be freed
  kNew,   // being made, not yet published
};

struct TaskRecord {
  uint64_t magic;  // kTaskMagic
  uint32_t pid;
  uint32_t tgid;
  TaskState state;
  uint32_t flags;        // kernel's business (Linux: PF_*), but for those below
  uint32_t exit_code;    // wait status
  uint32_t exit_signal;  // 0 for threads and for clone without a signal
  uint32_t usage;        // references to the structure
  uint32_t cpu;
  uint32_t pgid;
  uint32_t sid;
  Link tasks;     // all tasks, threads included, from ChannelHeader::tasks
  Link pid_hash;  // bucket of ChannelHeader::pid_hash
  Link group;     // ring of the thread group; the leader's Link is a member like any other
  Link children;  // head of the list of children (their `sibling`)
  Link sibling;
  Link group_link;    // leaders: in PidRecord::group of the process group
  Link session_link;  // leaders: in PidRecord::session
  GuestPtr id;        // PidRecord; 0 for the idle task and after release
  GuestPtr parent;    // task that waits for this one (real parent's thread-group leader or thread)
  GuestPtr leader;    // thread-group leader
  GuestPtr mm;        // MmRecord; 0 for kernel tasks and after exit
  GuestPtr stack;     // lowest address of the kernel stack; 0 when freed
  GuestPtr files;     // descriptor table, shared with CLONE_FILES
  GuestPtr sighand;   // signal handlers, shared with CLONE_SIGHAND
  GuestPtr signal;    // thread-group state
  // What follows is in proto/process_records.h.
  GuestPtr credentials;     // CredentialsRecord
  GuestPtr fs;              // FsRecord, shared with CLONE_FS; 0 after exit
  GuestPtr exe_file;        // the program's file; 0 after exit
  GuestPtr pending_at;      // PendingRecord: signals for this thread alone
  GuestPtr sleep_timer_at;  // TimerRecord: the end of a sleep
  GuestPtr vfork_done;      // of a vfork's child: what its parent sleeps on, on the parent's stack
  uint64_t robust_list;     // set_robust_list(2): head in the user's memory
  uint64_t blocked;         // signal mask; bit i: signal i + 1
  uint64_t clear_child_tid;
  uint64_t fs_base;
  uint64_t start_tsc;
  uint64_t minor_faults;
  uint64_t cow_faults;
  char comm[16];
};
inline constexpr uint64_t kTaskMagic = 0x4B53415450524B46;
static_assert(sizeof(TaskRecord) == 344);
// TaskRecord::flags: the task has begun to exit (Linux: PF_EXITING).
inline constexpr uint32_t kTaskExiting = 0x4;
// Not one of Linux's, and not in /proc: the parent has run another program since it made the task,
// which is then announced by SIGCHLD (Linux compares parent_exec_id with self_exec_id).
inline constexpr uint32_t kTaskParentExeced = 0x02000000;

// ---- CPUs ---------------------------------------------------------------------------------

struct CpuRecord {
  GuestPtr current;      // TaskRecord
  uint64_t loaded_root;  // page-table root that user code of `current` runs on
  uint64_t ticks;
  uint64_t switches;
  uint64_t syscalls;
  uint64_t faults;
  GuestPtr idle;  // TaskRecord of the idle task (pid 0, not hashed)
  uint64_t reserved;
};
static_assert(sizeof(CpuRecord) == 64);

template <typename T>
inline constexpr bool kIsRecord = std::is_standard_layout_v<T>&& std::is_trivially_copyable_v<T>;
static_assert(kIsRecord<FrameRecord> && kIsRecord<SlabCacheRecord> && kIsRecord<ObjectRecord> &&
              kIsRecord<VmaRecord> && kIsRecord<LineageRecord> && kIsRecord<MmRecord> &&
              kIsRecord<TaskRecord> && kIsRecord<CpuRecord> && kIsRecord<PidNumberRecord> &&
              kIsRecord<PidRecord> && kIsRecord<PidNamespaceRecord>);

}  // namespace fv::proto
