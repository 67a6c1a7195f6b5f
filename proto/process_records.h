// SPDX-License-Identifier: Apache-2.0
//
// What tasks own and share besides their memory, as the host may read it: descriptor tables and
// open files, directories, signals, credentials and users, and what may hang on a sleeping task:
// timers and entries of wait queues. As in records.h these are the kernel's own objects, not
// copies; structures of the kernel with typed pointers have these layouts (static_assert there).
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/records.h"

namespace fv::proto {

// ---- Timers and queues ----------------------------------------------------------------------

// A node of the kernel's one pairing heap of deadlines; ChannelHeader::timers has its root.
struct TimerRecord {
  uint64_t deadline_ns;  // of the monotonic clock
  uint64_t fire;         // kernel code
  GuestPtr child;        // the first
  GuestPtr next;         // sibling
  GuestPtr prev;         // the sibling before; of a first child: its parent
  uint8_t armed;         // 1: in the heap
  uint8_t padding[7];
};
static_assert(sizeof(TimerRecord) == 48);

// An entry of a wait queue, on the kernel stack of the task that sleeps or in its poll table.
struct WaiterRecord {
  Link link;
  GuestPtr task;  // TaskRecord; 0: nobody sleeps, `on_wake` is called
  uint64_t key;
  uint8_t woken;
  uint8_t exclusive;
  uint8_t padding[6];
  uint64_t on_wake;  // kernel code
};
static_assert(sizeof(WaiterRecord) == 48);

// An entry of a futex queue: ChannelHeader::futex_buckets.
struct FutexWaiterRecord {
  Link link;
  uint64_t space;   // MmRecord or ObjectRecord
  uint64_t page;    // of the address, or of the object
  uint32_t offset;  // in the page
  uint32_t scope;   // 0: private to the address space; 1: shared
  GuestPtr task;    // TaskRecord
  uint32_t bitset;
  int32_t priority;
  uint8_t woken;
  uint8_t padding1[7];
  GuestPtr requeue_pi;
};
static_assert(sizeof(FutexWaiterRecord) == 72);

// ---- Signals --------------------------------------------------------------------------------

inline constexpr unsigned kSignals = 64;

struct SignalActionRecord {
  uint64_t handler;  // 0: the default, 1: ignored
  uint64_t flags;    // SA_*
  uint64_t restorer;
  uint64_t mask;
};
static_assert(sizeof(SignalActionRecord) == 32);

// Handlers, shared with CLONE_SIGHAND: TaskRecord::sighand.
struct SighandRecord {
  uint64_t magic;  // kSighandMagic
  uint32_t refs;   // tasks
  uint32_t padding;
  SignalActionRecord action[kSignals];  // of signal i + 1
};
inline constexpr uint64_t kSighandMagic = 0x444E484752504B46;
static_assert(sizeof(SighandRecord) == 16 + 32 * kSignals);

struct PendingRecord {
  uint64_t set;     // bit i: signal i + 1
  uint64_t kernel;  // the kernel's business
  Link queue;       // of SignalEntryRecord
};
static_assert(sizeof(PendingRecord) == 32);

struct SignalEntryRecord {
  Link link;
  GuestPtr user;     // UserRecord that is charged
  uint8_t of_timer;  // 1: a POSIX timer's own, charged as long as the timer exists
  uint8_t padding[7];
  int32_t signo;
  int32_t error;
};
static_assert(sizeof(SignalEntryRecord) == 40);

struct LimitRecord {
  uint64_t soft;
  uint64_t hard;
};
inline constexpr unsigned kLimits = 16;

// What a thread group shares: TaskRecord::signal.
struct SignalRecord {
  uint64_t magic;  // kSignalMagic
  uint32_t refs;   // tasks that point here
  uint32_t live;   // threads that have not begun to exit
  uint32_t flags;  // SignalFlag of the kernel
  uint32_t group_exit_code;
  Link posix_timers;           // of PosixTimerRecord
  GuestPtr shared_pending_at;  // PendingRecord
  GuestPtr child_exit_at;      // Link: head of WaiterRecord, threads in wait4
  GuestPtr exec_wait_at;       // Link: head of WaiterRecord, a thread that execs
  GuestPtr real_timer_at;      // TimerRecord: ITIMER_REAL
  LimitRecord rlimits[kLimits];
};
inline constexpr uint64_t kSignalMagic = 0x4C4E474952504B46;
static_assert(sizeof(SignalRecord) == 72 + 16 * kLimits);
// SignalRecord::flags that rules ask for.
inline constexpr uint32_t kSignalFlagGroupExit = 1u << 0;

struct PosixTimerRecord {
  Link link;        // on SignalRecord::posix_timers
  GuestPtr signal;  // SignalRecord
  GuestPtr entry;   // SignalEntryRecord, its own
  TimerRecord timer;
};
static_assert(sizeof(PosixTimerRecord) == 80);

// ---- Who a task is --------------------------------------------------------------------------

// TaskRecord::credentials; shared copy-on-write.
struct CredentialsRecord {
  uint64_t magic;  // kCredentialsMagic
  GuestPtr user;   // UserRecord of the real uid
  uint32_t refs;
  uint32_t securebits;
  uint32_t uid, gid;
  uint32_t euid, egid;
  uint32_t suid, sgid;
  uint32_t fsuid, fsgid;
};
inline constexpr uint64_t kCredentialsMagic = 0x0044455243504B46;
static_assert(sizeof(CredentialsRecord) == 56);

struct UserRecord {
  uint64_t magic;  // kUserMagic
  Link users;      // all, from ChannelHeader::users
  uint32_t uid;
  uint32_t refs;          // credentials, queued signals, message queues
  uint32_t processes;     // tasks, threads included (RLIMIT_NPROC)
  uint32_t signals;       // queued signals and POSIX timers (RLIMIT_SIGPENDING)
  uint64_t mqueue_bytes;  // of POSIX message queues (RLIMIT_MSGQUEUE)
};
inline constexpr uint64_t kUserMagic = 0x0052534552504B46;
static_assert(sizeof(UserRecord) == 48);

// ---- Files ----------------------------------------------------------------------------------

// An open file. Descriptors and TaskRecord::exe_file name the kernel's object, in which the record
// comes after the pointer to its operations.
struct FileRecord {
  uint64_t magic;     // kFileMagic
  Link open_files;    // all, from ChannelHeader::open_files
  uint32_t holders;   // descriptors, programs, calls in progress, messages
  uint32_t status;    // O_*
  GuestPtr timer_at;  // TimerRecord of a timerfd, 0 for all others
};
inline constexpr uint64_t kFileMagic = 0x00454C4946504B46;
inline constexpr uint64_t kFileRecordOffset = 8;
static_assert(sizeof(FileRecord) == 40);

inline constexpr unsigned kFdChunkSlots = 64;
inline constexpr unsigned kFdDirectorySlots = 512;
inline constexpr unsigned kFdDirectories = 32;
struct FdChunkRecord {
  uint64_t used;                  // bit i: slot i is open or reserved
  uint64_t slots[kFdChunkSlots];  // address of the file | kFdCloseOnExec; 0: reserved
};
inline constexpr uint64_t kFdCloseOnExec = 1;

// TaskRecord::files. The first chunk is part of it; the others are in directories of
// kFdDirectorySlots pointers to chunks.
struct FdTableRecord {
  uint64_t magic;        // kFdTableMagic
  Link fd_tables;        // all, from ChannelHeader::fd_tables
  uint32_t users;        // tasks
  uint32_t open;         // descriptors, reserved ones too
  uint32_t lowest_free;  // no descriptor below it is free
  uint32_t chunks;       // up to the highest one that was ever made
  FdChunkRecord first;
  GuestPtr directories[kFdDirectories];
};
inline constexpr uint64_t kFdTableMagic = 0x0042544446504B46;
static_assert(sizeof(FdTableRecord) == 40 + sizeof(FdChunkRecord) + 8 * size_t{kFdDirectories});

// TaskRecord::fs: working directory, root, umask.
struct FsRecord {
  uint64_t magic;    // kFsMagic
  Link fs_contexts;  // all, from ChannelHeader::fs_contexts
  uint32_t users;    // tasks
  uint32_t mask;     // umask
};
inline constexpr uint64_t kFsMagic = 0x0058544346504B46;
static_assert(sizeof(FsRecord) == 32);

static_assert(kIsRecord<TimerRecord> && kIsRecord<WaiterRecord> && kIsRecord<FutexWaiterRecord> &&
              kIsRecord<SighandRecord> && kIsRecord<PendingRecord> &&
              kIsRecord<SignalEntryRecord> && kIsRecord<SignalRecord> &&
              kIsRecord<PosixTimerRecord> && kIsRecord<CredentialsRecord> &&
              kIsRecord<UserRecord> && kIsRecord<FileRecord> && kIsRecord<FdTableRecord> &&
              kIsRecord<FsRecord>);

}  // namespace fv::proto
