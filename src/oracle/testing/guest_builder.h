// SPDX-License-Identifier: Apache-2.0
//
// A synthetic guest for tests and benchmarks: the memory of a kernel that keeps every invariant,
// built in a plain buffer without KVM, and operations that change it as a kernel would (map, write
// fault, fork, exit...). Every store marks its frame in a dirty bitmap, as KVM's dirty log does.
// Tests then break one thing with At<T>() and expect the oracle to name it.
//
// This is a model for tests, deliberately not the guest kernel's code.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "proto/channel.h"
#include "proto/pte.h"
#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"

namespace fv::oracle::testing {

using proto::GuestPtr;

inline constexpr uint64_t kTestChannelGpa = 0x200000;

// Of user code.
enum class Access : uint8_t { kRead, kWrite };

class GuestBuilder {
 public:
  // A booted guest: init (pid 1) and nothing else. `ram_bytes` is a multiple of 2 MiB.
  explicit GuestBuilder(uint64_t ram_bytes);
  ~GuestBuilder();
  GuestBuilder(const GuestBuilder&) = delete;
  GuestBuilder& operator=(const GuestBuilder&) = delete;

  inspect::MemoryReader memory() const { return {ram_, ram_bytes_}; }
  inspect::ChannelView channel() const;
  proto::ChannelHeader& header() { return *At<proto::ChannelHeader>(kTestChannelGpa); }
  // Frames written since the last ClearDirty.
  std::span<const uint64_t> dirty() const { return dirty_; }
  void ClearDirty();
  // What the kernel has told the host since the last call, in order.
  std::vector<proto::EventRecord> TakeEvents();
  uint64_t ram_bytes() const { return ram_bytes_; }
  const uint8_t* ram() const { return ram_; }

  // Guest memory, for writing: marks every frame of the object dirty.
  template <typename T>
  T* At(uint64_t gpa) {
    MarkDirty(gpa, sizeof(T));
    return reinterpret_cast<T*>(ram_ + gpa);
  }
  template <typename T>
  T* Ptr(GuestPtr pointer) {
    return At<T>(proto::PhysOfDirectMap(pointer));
  }
  // For reading only.
  template <typename T>
  const T& Peek(GuestPtr pointer) const {
    return *reinterpret_cast<const T*>(ram_ + proto::PhysOfDirectMap(pointer));
  }
  proto::FrameRecord& Frame(uint64_t pfn);
  const proto::FrameRecord& PeekFrame(uint64_t pfn) const;

  // ---- Frames and kernel objects ---------------------------------------------------------------
  uint64_t AllocateFrame(proto::FrameState state, uint64_t aux = 0);
  uint64_t AllocateStack(GuestPtr task);
  void FreeFrame(uint64_t pfn);
  void Put(uint64_t pfn);  // drops a reference of a user frame, frees it with the last
  GuestPtr AllocateObject(const char* cache);
  void FreeObject(const char* cache, GuestPtr object);

  // ---- Tasks -----------------------------------------------------------------------------------
  // A process; `parent` 0 for init. Takes over one user of `mm` (0 = none). It is in its parent's
  // group and session, and in the pid namespace `space` (0: the parent's), whose init it becomes if
  // there is none.
  GuestPtr AddTask(uint32_t pid, GuestPtr parent, GuestPtr mm, GuestPtr space = 0);
  GuestPtr AddThread(uint32_t pid, GuestPtr leader);
  // Dies and is reaped: mm, stack and record go.
  void RemoveTask(GuestPtr task);
  // The process `leader` becomes a group and a session of its own.
  void LeadSession(GuestPtr leader);
  // A pid namespace in `parent`, held by an open file.
  GuestPtr AddPidSpace(GuestPtr parent);
  GuestPtr PidSpaceOf(GuestPtr pid) const;  // the one that the id was made in
  GuestPtr initial_space() const { return initial_space_; }

  // ---- Address spaces --------------------------------------------------------------------------
  GuestPtr AddMm();
  void RemoveMm(GuestPtr mm);
  GuestPtr AddVma(GuestPtr mm, uint64_t start, uint64_t pages, uint64_t flags, GuestPtr object = 0,
                  uint64_t page_offset = 0);
  void RemoveVma(GuestPtr vma);  // and what it maps
  GuestPtr AddObject(uint64_t pages);
  void AddObjectPage(GuestPtr object, uint64_t index);
  uint64_t ObjectPage(GuestPtr object, uint64_t index) const;

  // The entry for `va`, in memory; its tables are made if `make` asks for it, else 0 = none.
  enum class Tables { kFind, kMake };
  uint64_t PteGpa(GuestPtr mm, uint64_t va, Tables tables);
  proto::Pte PeekPte(GuestPtr mm, uint64_t va);
  void SetPte(GuestPtr mm, uint64_t va, proto::Pte pte);
  // A read or write of user code at `va`, which a VMA must allow: demand zero, zero frame, file
  // page, copy-on-write.
  void Touch(GuestPtr mm, GuestPtr vma, uint64_t va, Access access);
  void Unmap(GuestPtr mm, uint64_t va);
  // Takes write permission away from a VMA and its entries.
  void ProtectReadOnly(GuestPtr vma);
  void Flush(GuestPtr mm, uint64_t start = 0, uint64_t end = proto::kUserEnd);
  // fork(): classic copy-on-write.
  GuestPtr ForkMm(GuestPtr parent);
  GuestPtr Fork(GuestPtr parent_task, uint32_t pid);

  // ---- What tasks share (guest_shares.cc)
  // --------------------------------------------------------
  GuestPtr AddUser(uint32_t uid);
  // A file that nobody holds yet; at the descriptor `fd` of a task, below 64.
  GuestPtr AddFile();
  void OpenFile(GuestPtr task, uint32_t fd, GuestPtr file);
  // Queues a signal for one thread; returns the entry.
  GuestPtr QueueSignal(GuestPtr task, int32_t signo);
  // Arms a timer that is due before all others.
  void ArmTimer(GuestPtr timer, uint64_t deadline_ns);

  GuestPtr init_task() const { return init_; }
  uint64_t zero_pfn() const { return zero_pfn_; }
  std::vector<GuestPtr> Vmas(GuestPtr mm) const;
  std::vector<GuestPtr> List(GuestPtr head, uint64_t offset) const;
  void ListAdd(GuestPtr head, GuestPtr link);  // at the end
  void ListRemove(GuestPtr link);
  // Rebuilds the search tree of an address space from its list.
  void RebuildTree(GuestPtr mm);

 private:
  struct Cache {
    GuestPtr record;
    uint32_t bytes;
    std::vector<GuestPtr> free;
  };

  void MarkDirty(uint64_t gpa, uint64_t bytes);
  void Tell(proto::EventKind kind, uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0,
            uint64_t e = 0);
  void Boot();
  void BootShares();
  static uint32_t TaskObjectBytes();
  GuestPtr AllocateStatic(uint64_t bytes);
  void InitLink(GuestPtr head);
  void PutFile(GuestPtr file);
  void AddShares(GuestPtr task, GuestPtr parent);
  void ShareAll(GuestPtr thread, GuestPtr leader);
  void ShareWith(GuestPtr task, GuestPtr group, GuestPtr sighand, GuestPtr credentials,
                 GuestPtr files, GuestPtr fs);
  void DropShares(GuestPtr task);
  void AddCache(const char* name, uint32_t bytes);
  GuestPtr BuildTree(std::span<const GuestPtr> vmas, GuestPtr parent);
  GuestPtr NewTask(uint32_t pid, GuestPtr mm, GuestPtr space);
  GuestPtr NewPid(uint32_t number, GuestPtr space);
  GuestPtr PidNumberAt(GuestPtr pid, uint32_t level) const;
  void ReleasePidIfUnused(GuestPtr pid);
  void JoinChains(GuestPtr leader, GuestPtr group, GuestPtr session);
  void LeaveChains(GuestPtr leader);
  GuestPtr FindPid(uint64_t number) const;
  void FreeTables(uint64_t table_pfn, unsigned level, GuestPtr mm);
  void Break(GuestPtr mm, GuestPtr vma, uint64_t va);
  // A private frame for `va` of the mapping, which gets a lineage if it has none.
  uint64_t AllocateAnon(GuestPtr vma, uint64_t va);
  void JoinLineage(GuestPtr vma, GuestPtr lineage);
  void LeaveLineage(GuestPtr vma);

  uint8_t* ram_ = nullptr;
  uint64_t ram_bytes_;
  std::vector<uint64_t> dirty_;
  std::vector<proto::EventRecord> events_;
  uint64_t told_ = 0;  // events ever
  std::vector<uint64_t> free_;
  std::map<std::string, Cache> caches_;
  uint64_t statics_ = 0;  // next free byte of the kernel's data
  GuestPtr init_ = 0;
  GuestPtr initial_space_ = 0;
  uint64_t zero_pfn_ = 0;
};

}  // namespace fv::oracle::testing
