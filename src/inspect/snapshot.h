// SPDX-License-Identifier: Apache-2.0
//
// A moment of the guest as plain data: what the outside view found, copied out once. Addresses are
// the guest's; nothing points into guest memory, so a snapshot outlives the guest. What could not
// be read is listed in `malformed`, never guessed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/channel.h"
#include "proto/pte.h"
#include "proto/records.h"
#include "src/inspect/process_tables.h"

namespace fv::inspect {

// The structure in which something malformed was met.
enum class Area : uint8_t {
  kTasks,
  kMms,
  kVmas,
  kTables,
  kFrames,
  kObjects,
  kSlabs,
  kCpus,
  kProcesses,
  kQueues
};

struct Malformed {
  Area area;
  proto::GuestPtr mm;  // the address space concerned, or 0
  uint64_t address;    // of the structure (guest pointer) or the user address
  std::string sentence;
};

struct Task {
  proto::GuestPtr address;
  proto::TaskRecord record;
  bool stack_readable;    // record.stack names an aligned stack inside RAM
  uint64_t stack_canary;  // lowest word of the kernel stack, if readable
};

struct HashedTask {
  uint32_t bucket;
  proto::GuestPtr task;
};

struct PidNumber {
  proto::GuestPtr address;
  proto::PidNumberRecord record;
};

struct Pid {
  proto::GuestPtr address;
  proto::PidRecord record;
  std::vector<PidNumber> numbers;  // by level, the initial namespace's first; what could be read
};

struct PidSpace {
  proto::GuestPtr address;
  proto::PidNamespaceRecord record;
};

struct HashedNumber {
  uint32_t bucket;
  proto::GuestPtr number;  // PidNumberRecord
};

// Process ids, their namespaces, and the way from a number to its id.
struct PidTables {
  std::vector<Pid> pids;
  std::vector<PidSpace> spaces;
  std::vector<HashedNumber> hash;
  uint64_t buckets = 0;
};

struct Vma {
  proto::GuestPtr address;
  proto::VmaRecord record;
};

// What the upper levels of an address space allow for everything below an entry.
struct Rights {
  bool writable = true;
  bool user = true;
  bool executable = true;
};

// A page table (level 1) as one address space sees it.
struct LeafTable {
  uint32_t table;  // index into Snapshot::tables
  uint64_t base;   // first virtual address
  Rights rights;
};

struct Mm {
  proto::GuestPtr address;
  proto::MmRecord record;
  std::vector<Vma> vmas;              // in list order
  std::vector<proto::GuestPtr> tree;  // the search tree in order
  std::vector<LeafTable> leaves;      // by address
  uint32_t table_count = 0;           // tables found below the root, the root included
  uint32_t shared_count = 0;          // entries that mark a table as shared
  bool window_user = false;           // the kernel's window is open to user code
};

struct Table {
  uint64_t pfn;
  uint32_t level;
  uint32_t parents;         // entries that point here; 1 for a root of an address space
  uint32_t shared_entries;  // of them, marked kPteSharedTable
  uint32_t writable_entries;
  proto::GuestPtr mm;  // first address space it was met in
  uint64_t base;
};

struct ObjectPage {
  uint64_t index;  // in pages
  uint64_t pfn;
};

struct Object {
  proto::GuestPtr address;
  proto::ObjectRecord record;
  std::vector<ObjectPage> pages;  // by index
  std::vector<uint64_t> nodes;    // frames of the tree itself
};

struct SlabCache {
  proto::GuestPtr address;
  proto::SlabCacheRecord record;
};

struct Snapshot {
  uint64_t ram_bytes = 0;
  proto::ChannelHeader header = {};
  std::vector<Task> tasks;  // in list order
  std::vector<HashedTask> pid_hash;
  PidTables ids;
  ProcessTables processes;
  std::vector<Mm> mms;
  std::vector<Table> tables;
  std::vector<proto::Pte> entries;  // 512 for each of `tables`
  std::vector<Object> objects;
  std::vector<SlabCache> slabs;
  std::vector<proto::CpuRecord> cpus;
  std::vector<proto::FrameRecord> frames;  // up to the high-water mark
  std::vector<Malformed> malformed;

  const proto::Pte* TableEntries(uint32_t table) const {
    return entries.data() + uint64_t{table} * proto::kEntriesPerTable;
  }
  // The record of a frame: above the high-water mark it is the free record, all zero.
  proto::FrameRecord Frame(uint64_t pfn) const {
    return pfn < frames.size() ? frames[pfn] : proto::FrameRecord{};
  }
};

}  // namespace fv::inspect
