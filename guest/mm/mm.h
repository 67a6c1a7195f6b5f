// SPDX-License-Identifier: Apache-2.0
//
// Mm: an address space: page tables, mappings, counters (proto::MmRecord). The operations have
// Linux's semantics and errors; system calls only decode arguments. Mm knows nothing of tasks: who
// runs on it tells it the resource limits through `limits`.
//
// Invariants: mappings are sorted, disjoint, page aligned, below kUserEnd; the list and the tree
// hold the same; an entry of the tables allows no more than its mapping; a private mapping's entry
// is writable only if nobody else has its frame; every loss of permission is followed by a flush.
// Locking: one lock per address space (Linux: mmap_lock) around every member function; order:
// Mm, MemoryObject, frames.
#pragma once

#include <cstdint>

#include "guest/lib/list.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/mm/fault.h"
#include "guest/mm/fork.h"
#include "guest/mm/memory_object.h"
#include "guest/mm/vma.h"
#include "proto/boot_info.h"
#include "proto/layout.h"
#include "proto/records.h"

namespace fv::guest {

// Resource limits in bytes (getrlimit(2)); set at exec, copied by fork, changed by prlimit.
inline constexpr uint64_t kNoLimit = ~uint64_t{0};
// Whether the admin's reserve of overcommit is open to it: CAP_SYS_ADMIN (commit.h).
enum class CommitPrivilege : uint8_t { kNone, kAdmin };
struct MmLimits {
  uint64_t address_space = kNoLimit;           // RLIMIT_AS
  uint64_t data = kNoLimit;                    // RLIMIT_DATA
  uint64_t stack = uint64_t{8} * 1024 * 1024;  // RLIMIT_STACK
  uint64_t locked = kNoLimit;                  // RLIMIT_MEMLOCK; kNoLimit with CAP_IPC_LOCK
  CommitPrivilege privilege = CommitPrivilege::kNone;
};

// The most mappings that an address space may have (Linux: sysctl_max_map_count).
inline uint64_t max_map_count = 65530;

enum class MapPlacement : uint8_t { kHint, kFixed, kFixedNoReplace };
enum class MapPopulate : uint8_t { kNo, kYes };

struct MapRequest {
  uint64_t address = 0;  // hint, or where it must be
  uint64_t length = 0;   // bytes; rounded up to pages
  uint64_t flags = 0;    // proto::VmaFlag: access, kVmShared, kVmGrowsDown, kVmNoReserve, ...
  uint64_t may =
      kVmAccess;  // what mprotect may grant later (shared, file opened read-only: no write)
  MapPlacement placement = MapPlacement::kHint;
  MapPopulate populate = MapPopulate::kNo;
  uint64_t ceiling = 0;      // not 0: without a usable hint, below this address (MAP_32BIT)
  Ref<MemoryObject> object;  // nullptr: anonymous (with kVmShared: an object of its own is made)
  uint64_t page_offset = 0;  // in the object, in pages
  MappingSource* source = nullptr;  // for /proc/PID/maps; Map takes its own reference
};

// A memory lock: the pages are made present at once, or (kVmLockOnFault) when they are used.
enum class SyncMode { kWrite, kInvalidate };
enum class LockMode : uint8_t { kNow, kOnFault };
inline constexpr uint64_t kLockFlags = proto::kVmLocked | proto::kVmLockOnFault;
constexpr bool PopulatesLock(uint64_t vm_flags) {
  return (vm_flags & kLockFlags) == proto::kVmLocked;
}

class Mm : public proto::MmRecord {
 public:
  // An empty address space with users = 1. Errors: ENOMEM.
  static Result<Mm*> Create();
  Mm(const Mm&) = delete;

  // Users are tasks; the last Put unmaps everything and drops (Linux: mmget, mmput).
  void Get() { ++users; }
  // The maker's use of an address space that no task has yet, given up over a sleep: users counts
  // tasks. Get() takes it back.
  void Disown() { --users; }
  void Put();
  // References to the structure and its root table without the content (Linux: mmgrab, mmdrop).
  // The last Drop frees the root: a CPU that may still have it loaded (kernel ring 0: the task that
  // exits, kernel tasks after it) holds a Grab until it has loaded another root.
  void Grab() { ++count; }
  void Drop();

  // mmap(2): the address. Errors: EINVAL, ENOMEM, EEXIST, EPERM (below kUserStart).
  Result<uint64_t> Map(const MapRequest& request);
  // munmap(2): EINVAL, ENOMEM (too many mappings after a split).
  Status Unmap(uint64_t address, uint64_t length);
  // mprotect(2) with `access` of kVmAccess; `grows_down` of PROT_GROWSDOWN. EINVAL, ENOMEM, EACCES.
  Status Protect(uint64_t address, uint64_t length, uint64_t access);
  // mremap(2) with Linux's MREMAP_ flags. EINVAL, EFAULT, ENOMEM, EAGAIN.
  Result<uint64_t> Remap(uint64_t old_address, uint64_t old_length, uint64_t new_length,
                         uint64_t flags, uint64_t new_address);
  // remap_file_pages(2): pages from `page_offset` on of the file shown at `address` come to stand
  // there. EINVAL, ENOMEM.
  Status RemapFilePages(uint64_t address, uint64_t length, uint64_t page_offset);
  // brk(2): the break after the call, the old one if it could not be changed.
  uint64_t SetBrk(uint64_t address);
  // madvise(2) with Linux's MADV_ values. EINVAL, ENOMEM, EAGAIN, EBADF.
  Status Advise(uint64_t address, uint64_t length, int advice);
  // mincore(2) for one page: true if present. ENOMEM if nothing is mapped there.
  Result<bool> IsResident(uint64_t address) const;
  // msync(2) after the flags were checked; kInvalidate: MS_INVALIDATE. ENOMEM, EBUSY.
  Status Sync(uint64_t address, uint64_t length, SyncMode mode) const;
  // mlock2(2), munlock(2). ENOMEM, EAGAIN, EPERM.
  Status Lock(uint64_t address, uint64_t length, LockMode mode);
  Status Unlock(uint64_t address, uint64_t length);
  // mlockall(2), with MCL_ flags; 0 unlocks all.
  Status LockAll(int flags);
  // Makes every page of the range present, as MAP_POPULATE does; stops quietly at what cannot be.
  void Populate(uint64_t address, uint64_t length);

  // The mapping that contains `address`, or nullptr.
  Vma* FindVma(uint64_t address) const;
  // The first mapping that ends above `address`, or nullptr (Linux: find_vma).
  Vma* FindVmaFrom(uint64_t address) const;
  using VmaList = ListView<Vma, &proto::VmaRecord::list>;
  VmaList vma_list() const { return VmaList(const_cast<proto::Link&>(vmas)); }

  // Grows a stack downwards to `address` (Linux: expand_stack).
  Status ExpandStack(Vma& vma, uint64_t address);

  MmLimits limits;
  // For /proc/PID/stat and cmdline; the owner's business (exec sets, fork copies).
  uint64_t start_code = 0, end_code = 0, start_data = 0, end_data = 0;
  uint32_t membarrier_registered = 0;  // MEMBARRIER_CMD_REGISTER_* done; inherited by fork
  uint64_t arg_start = 0, arg_end = 0, env_start = 0, env_end = 0;
  // The most that was resident and mapped, in pages: brought up to date before either shrinks
  // (NotePeak), so the peak is the larger of this and the present value.
  uint64_t hiwater_rss = 0, hiwater_vm = 0;
  static constexpr unsigned kAuxWords = 44;
  uint64_t auxv[kAuxWords] = {};    // as the program got it (getauxval(3))
  uint32_t coredump_filter = 0x33;  // core(5); inherited by fork and execve
  uint32_t thp_disable = 0;         // as PR_GET_THP_DISABLE tells it; inherited likewise
  uint64_t default_flags = 0;       // kLockFlags after mlockall(MCL_FUTURE)
  // Hints of the search for free space: where it continues, and the largest hole known above that.
  uint64_t area_cache = proto::kMmapTop;
  uint64_t area_hole = 0;

 private:
  template <typename T>
  friend class SlabCache;
  friend Result<Mm*> CreateMm(uint32_t tables, bool& adopted);
  Mm() : proto::MmRecord{} {}
  ~Mm() = default;
  void TearDown();
  void FreeTree();
};

// Registers the slab caches of this folder and the list of address spaces, whose fork strategy is
// that of `boot`. Call after InitSlab.
void InitMm(const proto::BootInfo& boot);

}  // namespace fv::guest
