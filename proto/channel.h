// SPDX-License-Identifier: Apache-2.0
//
// The channel: memory shared by guest kernel and host, at BootInfo::channel_gpa. A header, then
// three rings of 64-byte records. One producer and one consumer a ring; `produced` and `consumed`
// only grow; record i is in slot i % capacity and carries sequence i. The guest stops at the
// doorbell when a ring it fills is full, so nothing is lost silently. The host copies each word
// once, checks it, then uses it. docs/channel.md is the byte-level description.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/boot_info.h"
#include "proto/events.h"
#include "proto/fail.h"
#include "proto/layout.h"
#include "proto/process_records.h"
#include "proto/records.h"

namespace fv::proto {

inline constexpr uint64_t kChannelMagic = 0x4E4E414843564B46;

// The word written to the doorbell: reason in bits 0-7, argument in bits 8-63.
enum class DoorbellReason : uint8_t {
  kDrain = 1,      // a ring is full, or output should be seen now
  kSafepoint = 2,  // argument: SafepointKind
  kIdle = 3,       // nothing can run before ChannelHeader::idle_deadline_tsc or console input
  kPanic = 4,      // the kernel found itself broken: ChannelHeader::panic_message
  kDone = 5,       // the first program ended: ChannelHeader::exit_status
  kMoment = 6,     // the moment that ChannelHeader::moment named has come
};
constexpr uint64_t DoorbellWord(DoorbellReason reason, uint64_t argument) {
  return static_cast<uint64_t>(reason) | argument << 8;
}

// What stands in the doorbell's page with kBootPolledDoorbell, where no exit reports a store to it.
// The kernel stores the time and then the word, wakes the host by a byte to FV_DOORBELL_PORT, and
// waits until the host has put 0 in the word's place.
struct Mailbox {
  uint64_t word;  // DoorbellWord; 0: nothing to say
  uint64_t tsc;   // when it was written
};
static_assert(offsetof(Mailbox, word) == FV_MAILBOX_WORD &&
              offsetof(Mailbox, tsc) == FV_MAILBOX_TSC);

// What kind of operation ended just before the safepoint.
enum class SafepointKind : uint8_t {
  kBoot = 0,
  kSyscall = 1,  // a system call that changed address spaces or tasks
  kFault = 2,    // a page fault that changed a page table
  kExit = 3,     // a task died
  kFinal = 4,    // every user task is gone and reaped
};

enum class ConsoleStream : uint8_t { kStdout = 1, kStderr = 2, kKernelLog = 3 };

// A piece of console output (guest to host).
struct ConsoleRecord {
  uint64_t sequence;
  ConsoleStream stream;
  uint8_t length;
  uint8_t data[54];
};
static_assert(sizeof(ConsoleRecord) == 64);

// A command (host to guest).
enum class CommandKind : uint8_t {
  kInput = 1,     // console input: `length` bytes
  kInputEnd = 2,  // no more console input will come
  kSignal = 3,    // data[0] = signal number for the console's foreground group (^C, ^\ ...)
  kResize = 4,    // data = uint16 columns, uint16 rows
};
struct CommandRecord {
  uint64_t sequence;
  CommandKind kind;
  uint8_t length;
  uint8_t data[54];
};
static_assert(sizeof(CommandRecord) == 64);

// A moment at which the host wants the guest to stand still: the doorbell rings with kMoment, once.
struct Moment {
  FailTrigger trigger;  // kNone: no moment, or it has come
  uint32_t reserved;
  uint64_t value;
};
static_assert(sizeof(Moment) == 16);

// A word of guest memory that the guest itself writes, because a hypervisor with shadow page tables
// sees no other writes of page tables. The host fills the restore window (at kRestoreOffset in the
// channel) with them and starts the vCPU at kRestoreEntryPhys in the kernel's ring and root: RDI
// the first word, RCX how many, RBX what to write to the doorbell, whose address is in RDX, after
// them. The code uses RAX, RSI and no stack.
struct RestoreWord {
  uint64_t address;  // in the direct map, 8-byte aligned
  uint64_t value;
};
inline constexpr uint64_t kRestoreWords = 4096;

// Set up by the host; `capacity` is a power of two.
struct RingHeader {
  uint64_t offset;    // of slot 0, from the start of the channel, in bytes
  uint64_t capacity;  // records
  uint64_t produced;
  uint64_t consumed;
};

inline constexpr uint64_t kEventCapacity = 8192;
inline constexpr uint64_t kConsoleCapacity = 2048;
inline constexpr uint64_t kCommandCapacity = 256;
inline constexpr uint64_t kRingAlign = 4096;

struct ChannelHeader {
  // Written by the host before boot, constant afterwards.
  uint64_t magic;
  uint32_t version;
  uint32_t reserved0;
  uint64_t layout_hash;
  RingHeader events;    // guest to host
  RingHeader console;   // guest to host
  RingHeader commands;  // host to guest

  // Written by the guest kernel at boot. Pointers into the direct map.
  uint64_t guest_magic;  // kChannelMagic once the roots below are valid
  GuestPtr frame_table;  // FrameRecord[ram_bytes / 4096]
  uint64_t frame_count;
  GuestPtr tasks;     // Link: head of all tasks
  GuestPtr pid_hash;  // Link[pid_buckets]; bucket = pid & (pid_buckets - 1)
  uint64_t pid_buckets;
  GuestPtr pids;            // Link: head of all process ids
  GuestPtr pid_namespaces;  // Link: head
  GuestPtr pid_numbers;     // Link[pid_number_buckets]; bucket = PidNumberBucket()
  uint64_t pid_number_buckets;
  GuestPtr mms;          // Link: head
  GuestPtr objects;      // Link: head
  GuestPtr slab_caches;  // Link: head
  GuestPtr cpus;         // CpuRecord[cpu_count]
  uint64_t cpu_count;
  GuestPtr init_task;  // TaskRecord of pid 1
  uint64_t kernel_root_gpa;
  uint64_t zero_pfn;

  // Live counters of the kernel, compared with what a walk finds.
  uint64_t frame_high_water;  // frames at or above this index were never allocated
  uint64_t free_frames;
  uint64_t task_count;  // on the task list
  uint64_t total_forks;
  uint64_t committed_pages;  // promised to mappings and objects (Linux: vm_committed_as)

  // Live control words. Host writes event_mask, tick_wanted is the guest's.
  uint64_t event_mask;
  uint64_t tick_wanted;         // 1 while the guest wants a tick every BootInfo::tick_ns
  uint64_t timer_deadline_tsc;  // earliest timer; 0 = none: host injects the tick once it passed
  uint64_t idle_deadline_tsc;   // with kIdle; 0 = no timer is armed
  uint64_t idle_wants_input;    // with kIdle; 1 if a task waits for console input
  uint64_t console_raw;         // 1 unless the console's termios has ICANON and ECHO on

  // Results.
  uint64_t exit_status;       // with kDone: wait status of the first program
  FailControl fail;           // allocations that fail on purpose
  uint64_t missing_syscalls;  // number of distinct system calls that returned ENOSYS
  char panic_message[256];    // NUL-terminated

  // More roots, written by the guest kernel at boot (proto/process_records.h).
  GuestPtr users;          // Link: head
  GuestPtr open_files;     // Link: head
  GuestPtr fd_tables;      // Link: head
  GuestPtr fs_contexts;    // Link: head
  GuestPtr timers;         // GuestPtr: the root of the heap of armed timers, 0 = none
  GuestPtr futex_buckets;  // Link[futex_bucket_count], heads of FutexWaiterRecord
  uint64_t futex_bucket_count;

  // Snapshots (docs/snapshots.md).
  Moment moment;  // host
  // Bit i % 64 of word i / 64: frame i was a page table at some time since boot. uint64_t[], of
  // frame_count bits.
  GuestPtr table_frames;
};

inline constexpr uint64_t RingBytes(uint64_t capacity) { return capacity * 64; }
inline constexpr uint64_t kChannelHeaderBytes = 4096;
static_assert(sizeof(ChannelHeader) <= kChannelHeaderBytes);
inline constexpr uint64_t kRestoreOffset = kChannelHeaderBytes + RingBytes(kEventCapacity) +
                                           RingBytes(kConsoleCapacity) +
                                           RingBytes(kCommandCapacity);
inline constexpr uint64_t kRestoreBytes = kRestoreWords * sizeof(RestoreWord);
inline constexpr uint64_t kChannelBytes = kRestoreOffset + kRestoreBytes;
static_assert(kRestoreOffset % kPageBytes == 0 && kRestoreBytes % kPageBytes == 0);

// FNV-1a over the sizes and the telling offsets of everything shared: host and guest of different
// builds refuse each other.
constexpr uint64_t HashLayout() {
  const uint64_t words[] = {
      kContractVersion,
      sizeof(BootInfo),
      sizeof(ChannelHeader),
      sizeof(FrameRecord),
      sizeof(SlabCacheRecord),
      sizeof(ObjectRecord),
      sizeof(VmaRecord),
      sizeof(LineageRecord),
      sizeof(MmRecord),
      sizeof(PidRecord),
      sizeof(PidNamespaceRecord),
      sizeof(TaskRecord),
      sizeof(TimerRecord),
      sizeof(SighandRecord),
      sizeof(SignalRecord),
      sizeof(CredentialsRecord),
      sizeof(UserRecord),
      sizeof(FileRecord),
      sizeof(FdTableRecord),
      sizeof(FsRecord),
      sizeof(CpuRecord),
      sizeof(EventRecord),
      static_cast<uint64_t>(EventKind::kCount),
      static_cast<uint64_t>(ForkPhase::kCount),
      offsetof(TaskRecord, mm),
      offsetof(TaskRecord, stack),
      offsetof(MmRecord, vmas),
      offsetof(VmaRecord, list),
      offsetof(ChannelHeader, frame_table),
      offsetof(ChannelHeader, event_mask),
      offsetof(ChannelHeader, panic_message),
      offsetof(ChannelHeader, table_frames),
  };
  uint64_t hash = 0xCBF29CE484222325;
  for (uint64_t word : words) {
    hash = (hash ^ word) * 0x100000001B3;
  }
  return hash;
}
inline constexpr uint64_t kLayoutHash = HashLayout();

}  // namespace fv::proto
