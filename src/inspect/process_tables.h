// SPDX-License-Identifier: Apache-2.0
//
// What tasks own and share besides memory, copied out at one moment (proto/process_records.h).
// Addresses are the guest's. What could not be read is among the snapshot's `malformed`.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/process_records.h"

namespace fv::inspect {

// A record that was read, and where.
template <typename Record>
struct At {
  proto::GuestPtr address;
  Record record;
};

struct PendingSignals {
  proto::GuestPtr owner;  // TaskRecord or SignalRecord
  At<proto::PendingRecord> head;
  std::vector<At<proto::SignalEntryRecord>> queue;
};

struct SignalGroup {
  proto::GuestPtr address;
  proto::SignalRecord record;
  std::vector<At<proto::PosixTimerRecord>> timers;
  std::vector<proto::GuestPtr> timer_users;  // UserRecord charged for each timer's signal
};

// Of a Sighand only what costs little to read: two thousand bytes of handlers change rarely.
struct Handlers {
  proto::GuestPtr address;
  uint32_t refs;
};

// An entry of a wait queue that belongs to a process.
struct QueuedWaiter {
  proto::GuestPtr queue;  // the head
  At<proto::WaiterRecord> waiter;
};

struct QueuedFutex {
  uint32_t bucket;
  At<proto::FutexWaiterRecord> waiter;
};

struct FdSlot {
  uint32_t fd;
  proto::GuestPtr file;  // FileRecord; 0: reserved by a call in progress
  bool close_on_exec;
};

struct FdTable {
  proto::GuestPtr address;
  uint32_t users, open, lowest_free;
  std::vector<FdSlot> slots;  // used ones, ascending
};

struct ProcessTables {
  std::vector<Handlers> handlers;                         // that some task names
  std::vector<SignalGroup> groups;                        // that some task names
  std::vector<PendingSignals> pending;                    // of tasks and groups
  std::vector<At<proto::CredentialsRecord>> credentials;  // that some task names
  std::vector<At<proto::UserRecord>> users;
  std::vector<At<proto::FileRecord>> files;
  std::vector<FdTable> fd_tables;
  std::vector<At<proto::FsRecord>> fs;
  std::vector<At<proto::TimerRecord>> timers;  // the heap: parents before children
  std::vector<QueuedWaiter> waiters;
  std::vector<QueuedFutex> futexes;
  // The frames that were read, but for those of the heads of `pending`, ascending: as long as none
  // of them is written and those heads, the tasks and the roots are the same, all of this is.
  std::vector<uint64_t> frames;
};

// The FileRecord of the file at `address`, as descriptors and TaskRecord::exe_file name it; 0:
// none.
constexpr proto::GuestPtr FileRecordOf(proto::GuestPtr address) {
  return address == 0 ? 0 : address + proto::kFileRecordOffset;
}

}  // namespace fv::inspect
