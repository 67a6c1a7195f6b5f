// SPDX-License-Identifier: Apache-2.0
//
// MemoryObject: the pages of a file (the page cache is the file: ramfs) or of shared anonymous
// memory, in a radix tree of frames (proto::ObjectRecord). Pages are made when first asked for:
// from the immutable backing bytes where there are some, else zero.
//
// Invariants: a leaf frame has state kFile and refs = PTEs that map it + 1 for the object + pins;
// a page past the end of the file is present only while Write fills it; bytes past the end within
// the last page are 0.
// Locking: the tree and the list of mappings by the object's lock.
#pragma once

#include <cstdint>

#include "guest/lib/list.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/mm/frames.h"
#include "proto/records.h"

namespace fv::guest {

class Mm;
struct Vma;

// How many pages the objects of one file system may have together (tmpfs(5), "size").
struct PageQuota {
  uint64_t most = 0;  // 0: any number
  uint64_t used = 0;

  bool Full() const { return most != 0 && used >= most; }
};

class alignas(proto::kOriginAlign) MemoryObject : public proto::ObjectRecord {
 public:
  // An object of `size` bytes, all zero. Errors: ENOMEM.
  static Result<Ref<MemoryObject>> Create(uint64_t size);
  // The same, charged to overcommit by its size at once (shared anonymous memory). ENOMEM.
  static Result<Ref<MemoryObject>> CreateCharged(const Mm& mm, uint64_t size);
  MemoryObject(const MemoryObject&) = delete;

  void AddRef() { ++refs; }
  void Release();

  // The first content of the object: `data` (in the direct map, never freed) of `size` bytes. Sets
  // the size of the object. REQUIRES: no page was made yet.
  void SetBacking(const uint8_t* data, uint64_t size);

  // Its pages count there, and ENOSPC is what a page over it gets. The quota outlives the object.
  // REQUIRES: no page was made yet.
  void SetQuota(PageQuota& quota) { quota_ = &quota; }

  uint64_t size() const { return bytes; }
  // Pages that are there, holes not counted. A file with a backing counts as whole.
  uint64_t allocated_pages() const { return backing_bytes_ == 0 ? pages : PageCount(); }
  // Shared memory rather than a file, for RssShmem: anonymous, or of memfd_create.
  bool is_shared_memory() const { return shared_memory_; }
  void MarkSharedMemory() { shared_memory_ = true; }
  // The frame of page `index`, made if necessary; the caller takes its own reference if it keeps
  // the frame. Errors: ENOMEM; ENXIO past the end; ENOSPC if overcommit or the quota
  // refuses the page.
  Result<uint64_t> GetPage(uint64_t index);
  // The quota has room for those pages of [first, end) that are not present.
  bool FitsQuota(uint64_t first, uint64_t end) const;
  // The first page from `from` on that is present or comes from the backing; kNoPage: none.
  static constexpr uint64_t kNoPage = ~uint64_t{0};
  uint64_t NextPage(uint64_t from) const;
  // The frame of page `index` if it is present, else 0.
  uint64_t FindPage(uint64_t index) const;
  // The same, but makes a page that only has to be copied from the backing. 0: neither.
  uint64_t FindOrFill(uint64_t index);

  // Writes up to `count` bytes at `offset`, as write(2): copy(to, bytes) -> bytes copied, for a
  // piece of a page at a time. The object grows behind each piece, so that a copy from a mapping of
  // it finds the end where it was. Errors, with nothing written: EFAULT, and those of GetPage.
  // REQUIRES: the range ends; an object that is charged by size does not grow.
  template <typename Copy>
  Result<uint64_t> Write(uint64_t offset, uint64_t count, Copy copy);
  // Kernel memory; Read: fewer bytes at the end of the object, 0 past it.
  Result<uint64_t> ReadKernel(uint64_t offset, void* to, uint64_t count);
  Result<uint64_t> WriteKernel(uint64_t offset, const void* from, uint64_t count);

  // Tells the host that bytes of a page were changed in place. Who writes to FrameData of a page of
  // the object calls it; the functions here do.
  void NoteWrite(uint64_t offset, uint64_t count) const;

  // Sets the size. Shrinking removes the pages past the end, also from all mappings (private copies
  // of them too, as Linux does). Errors: EFBIG; ENOMEM (charged by size).
  Status Resize(uint64_t size);
  // Makes [offset, offset + count) read as zero without changing the size (FALLOC_FL_PUNCH_HOLE).
  // Whole pages go, also from all mappings, but private copies of them stay; those that come from
  // the backing become zero instead. REQUIRES: the range ends. Errors: ENOMEM.
  Status PunchHole(uint64_t offset, uint64_t count);

  // Head of the VMAs that map the object (Vma::object_link). (Linux: i_mmap.)
  proto::Link& mapping_list() { return mappings; }

 private:
  template <typename T>
  friend class SlabCache;
  explicit MemoryObject(uint64_t size);
  ~MemoryObject() = default;

  uint64_t PageCount() const { return PagesFor(bytes); }
  static uint64_t InPage(uint64_t offset) { return offset & (proto::kPageBytes - 1); }
  static uint64_t PagesFor(uint64_t size) { return (size + 4095) >> 12; }
  Status ChargePage(uint64_t index);
  Result<uint64_t> FindOrInsert(uint64_t index);
  Result<uint64_t*> EnsureSlot(uint64_t index);
  bool Prune(uint64_t& entry, unsigned level, uint64_t base, uint64_t first, uint64_t end);
  // Pages [first, end); `end` may be kNoPage.
  void RemovePages(uint64_t first, uint64_t end);
  // What becomes of the copies that private mappings have. (Linux: even_cows.)
  enum class PrivateCopies : uint8_t { kKeep, kRemove };
  // Errors: ENOMEM, nothing unmapped.
  Status UnmapPages(uint64_t first, uint64_t end, PrivateCopies copies);
  // The bytes of [offset, end) that have a page, or a backing.
  Status ZeroPages(uint64_t offset, uint64_t end);

  const uint8_t* backing_ = nullptr;
  uint64_t backing_bytes_ = 0;
  bool shared_memory_ = false;
  PageQuota* quota_ = nullptr;
};

template <typename Copy>
Result<uint64_t> MemoryObject::Write(uint64_t offset, uint64_t count, Copy copy) {
  uint64_t done = 0;
  Error error(EFAULT);
  while (done < count) {
    const uint64_t at = offset + done;
    const uint64_t room = proto::kPageBytes - InPage(at);
    const uint64_t piece = room < count - done ? room : count - done;
    const Result<uint64_t> pfn = FindOrInsert(at >> proto::kPageShift);
    if (!pfn.ok()) {
      error = pfn.error();
      break;
    }
    const uint64_t copied =
        copy(static_cast<uint8_t*>(FrameData(pfn.value())) + InPage(at), size_t{piece});
    done += copied;
    NoteWrite(at, copied);
    bytes = offset + done > bytes ? offset + done : bytes;
    if (copied < piece) {
      break;
    }
  }
  if (done < count) {
    RemovePages(PageCount(), kNoPage);  // a page made for bytes that did not come
  }
  return done != 0 || count == 0 ? Result<uint64_t>(done) : Result<uint64_t>(error);
}

}  // namespace fv::guest
