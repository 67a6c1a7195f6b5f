// SPDX-License-Identifier: Apache-2.0
#include "guest/ipc/sysv_shm.h"

#include "guest/fs/object.h"
#include "guest/lib/print.h"
#include "guest/lib/scope_guard.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constinit IpcTable g_segments{kShmMni};

constexpr uint64_t kPageMask = proto::kPageBytes - 1;
constexpr uint64_t kTmpfsDevice = 1;  // st_dev of the kernel's own tmpfs
constexpr uint32_t kRead = 0444, kWrite = 0222, kExecute = 0111;

uint64_t PagesOf(uint64_t bytes) { return (bytes + kPageMask) >> proto::kPageShift; }

// The segment that `vma` maps, or nullptr.
ShmSegment* SegmentOf(const Vma& vma) {
  for (int i = g_segments.highest(); vma.source() != nullptr && i >= 0; --i) {
    auto* segment = static_cast<ShmSegment*>(g_segments.At(i));
    if (segment != nullptr && vma.source() == segment) {
      return segment;
    }
  }
  return nullptr;
}

// `vma` is where it would be if the segment was attached at `address`.
bool IsPartAt(const Vma& vma, uint64_t address) {
  return (vma.start - address) >> proto::kPageShift == vma.page_offset;
}

// The address that is asked for, or 0. Errors: EINVAL.
Result<uint64_t> CheckAddress(uint64_t address, uint32_t flags) {
  if (address == 0) {
    return (flags & kShmRemap) != 0 ? Result<uint64_t>(Error(EINVAL)) : uint64_t{0};
  }
  if ((address & kPageMask) != 0) {
    if ((flags & kShmRound) == 0) {
      return Error(EINVAL);
    }
    address &= ~kPageMask;
    if (address == 0 && (flags & kShmRemap) != 0) {
      return Error(EINVAL);
    }
  }
  return address;
}

}  // namespace

ShmSegment::ShmSegment(Ref<MemoryObject> object, int key, uint64_t bytes, uint32_t creator)
    : object_(std::move(object)), bytes_(bytes), creator_(creator) {
  text = AddressOf(name_);
  length =
      static_cast<uint32_t>(Format(name_, sizeof(name_), "/SYSV%08x", static_cast<uint32_t>(key)));
  flags = proto::kNameUnlinked;
}

void ShmSegment::AddRef() {
  ++attached_;
  attach_time_ = IpcTime();
  last_pid_ = CurrentTask()->tgid;
}

void ShmSegment::Release() {
  --attached_;
  detach_time_ = IpcTime();
  last_pid_ = CurrentTask()->tgid;
  if (attached_ == 0 && (mode & kShmDest) != 0) {
    Destroy();
  }
}

void ShmSegment::MarkRemoved() {
  if (attached_ == 0) {
    Destroy();
    return;
  }
  mode |= kShmDest;
  key = kIpcPrivate;  // nobody finds it by its key any more
}

void ShmSegment::Destroy() {
  g_segments.Remove(*this);
  DestroyObject(this);
}

size_t ShmSegment::MappingPath(char* out, size_t capacity) const {
  return Format(out, capacity, "%s (deleted)", name_);
}

uint64_t ShmSegment::MappingDevice() const { return kTmpfsDevice; }

ShmStatAbi ShmSegment::StatNow() const {
  ShmStatAbi stat{};
  stat.perm = Perm();
  stat.bytes = bytes_;
  stat.atime = attach_time_;
  stat.dtime = detach_time_;
  stat.ctime = ctime;
  stat.cpid = creator_;
  stat.lpid = last_pid_;
  stat.attached = attached_;
  return stat;
}

IpcTable& ShmTable() { return g_segments; }

uint64_t ShmSegment::ResidentPages() const {
  uint64_t count = 0;
  for (uint64_t page = 0; page < PagesOf(bytes_); ++page) {
    count += object_->FindPage(page) != 0 ? 1 : 0;
  }
  return count;
}

ShmUsage CountShmPages() {
  ShmUsage usage{0, 0};
  for (int i = g_segments.highest(); i >= 0; --i) {
    const auto* segment = static_cast<ShmSegment*>(g_segments.At(i));
    usage.total += segment == nullptr ? 0 : PagesOf(segment->bytes());
    usage.resident += segment == nullptr ? 0 : segment->ResidentPages();
  }
  return usage;
}

Result<int> MakeShmSegment(Task& task, int key, uint64_t bytes, uint32_t flags) {
  if (bytes == 0 || bytes > kShmMax) {
    return Error(EINVAL);
  }
  if ((flags & kShmHugeTlb) != 0) {
    return Error(ENOMEM);  // no huge pages are reserved
  }
  Ref<MemoryObject> object =
      TRY((flags & kShmNoReserve) != 0 ? MemoryObject::Create(bytes)
                                       : MemoryObject::CreateCharged(*task.mm(), bytes));
  object->MarkSharedMemory();
  ShmSegment* segment = MakeObject<ShmSegment>(std::move(object), key, bytes, task.tgid);
  if (segment == nullptr) {
    return Error(ENOMEM);
  }
  ScopeGuard destroy([segment] { DestroyObject(segment); });
  TRY(g_segments.Add(*segment, key, flags, task.cred()));
  destroy.Dismiss();
  return segment->id;
}

Result<uint64_t> AttachShm(Task& task, ShmSegment& segment, uint64_t address, uint32_t flags) {
  Mm& mm = *task.mm();
  MapRequest request;
  request.address = TRY(CheckAddress(address, flags));
  uint32_t wanted = kRead;
  request.flags = proto::kVmRead | proto::kVmShared;
  if ((flags & kShmReadOnly) != 0) {
    request.may &= ~uint64_t{proto::kVmWrite};
  } else {
    wanted |= kWrite;
    request.flags |= proto::kVmWrite;
  }
  if ((flags & kShmExec) != 0) {
    wanted |= kExecute;
    request.flags |= proto::kVmExec;
  }
  TRY(CheckIpcAccess(segment, task.cred(), wanted));
  request.length = segment.bytes();
  if (request.address != 0) {
    request.placement = MapPlacement::kFixed;
    const uint64_t end = request.address + request.length;
    const Vma* there = mm.FindVmaFrom(request.address);
    const bool taken = there != nullptr && there->start < end;
    if (end < request.address || (taken && (flags & kShmRemap) == 0)) {
      return Error(EINVAL);
    }
  }
  request.object = segment.object();
  request.source = &segment;
  return mm.Map(request);
}

Status DetachShm(Mm& mm, uint64_t address) {
  if ((address & kPageMask) != 0) {
    return Error(EINVAL);
  }
  // The first part names the segment; the other parts, if mprotect split it, lie in its extent.
  Vma* vma = mm.FindVmaFrom(address);
  ShmSegment* segment = nullptr;
  for (; vma != nullptr; vma = mm.vma_list().Next(*vma)) {
    segment = IsPartAt(*vma, address) ? SegmentOf(*vma) : nullptr;
    if (segment != nullptr) {
      break;
    }
  }
  if (segment == nullptr) {
    return Error(EINVAL);
  }
  const MappingSource* source = segment;  // may be gone after the first part
  const uint64_t end = address + (PagesOf(segment->bytes()) << proto::kPageShift);
  while (vma != nullptr && vma->end <= end) {
    Vma* next = mm.vma_list().Next(*vma);
    const bool part = vma->source() == source && IsPartAt(*vma, address);
    const uint64_t start = vma->start;
    const uint64_t bytes = vma->end - start;
    const uint64_t next_start = next == nullptr ? 0 : next->start;
    if (part) {
      TRY(mm.Unmap(start, bytes));
    }
    vma = next_start == 0 ? nullptr : mm.FindVma(next_start);
  }
  return Ok();
}

}  // namespace fv::guest
