// SPDX-License-Identifier: Apache-2.0
//
// Memory, frames, slabs, lists, boot.
#include "src/oracle/testing/guest_builder.h"

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>

namespace fv::oracle::testing {

using proto::DirectMap;
using proto::FrameRecord;
using proto::FrameState;
using proto::kPageBytes;
using proto::kPageShift;
using proto::Link;
using proto::PhysOfDirectMap;

namespace {
constexpr uint64_t kFrameTableGpa = kTestChannelGpa + (1 << 20);
constexpr uint64_t kPidBuckets = 64;
constexpr uint64_t kMaxTestLevel = 3;  // of pid namespaces
}  // namespace

GuestBuilder::GuestBuilder(uint64_t ram_bytes)
    : ram_bytes_(ram_bytes), dirty_((ram_bytes >> kPageShift) / 64) {
  void* ram = mmap(nullptr, ram_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (ram == MAP_FAILED) {
    std::abort();
  }
  ram_ = static_cast<uint8_t*>(ram);
  Boot();
}

GuestBuilder::~GuestBuilder() { munmap(ram_, ram_bytes_); }

inspect::ChannelView GuestBuilder::channel() const {
  return *inspect::ChannelView::Open(memory(), kTestChannelGpa, proto::kChannelBytes);
}

void GuestBuilder::ClearDirty() { dirty_.assign(dirty_.size(), 0); }

void GuestBuilder::MarkDirty(uint64_t gpa, uint64_t bytes) {
  for (uint64_t pfn = gpa >> kPageShift; pfn <= (gpa + bytes - 1) >> kPageShift; ++pfn) {
    dirty_[pfn / 64] |= uint64_t{1} << (pfn % 64);
  }
}

FrameRecord& GuestBuilder::Frame(uint64_t pfn) {
  return *At<FrameRecord>(kFrameTableGpa + pfn * sizeof(FrameRecord));
}
const FrameRecord& GuestBuilder::PeekFrame(uint64_t pfn) const {
  return Peek<FrameRecord>(DirectMap(kFrameTableGpa + pfn * sizeof(FrameRecord)));
}

void GuestBuilder::Boot() {
  const uint64_t frames = ram_bytes_ >> kPageShift;
  proto::ChannelHeader& channel = header();
  channel.magic = channel.guest_magic = proto::kChannelMagic;
  channel.version = proto::kContractVersion;
  channel.layout_hash = proto::kLayoutHash;
  uint64_t offset = proto::kChannelHeaderBytes;
  const std::pair<proto::RingHeader*, uint64_t> rings[] = {
      {&channel.events, proto::kEventCapacity},
      {&channel.console, proto::kConsoleCapacity},
      {&channel.commands, proto::kCommandCapacity}};
  for (const auto& [ring, capacity] : rings) {
    *ring = {offset, capacity, 0, 0};
    offset += proto::RingBytes(capacity);
  }
  // The kernel's static data: list heads, pid hash, the CPU record.
  const uint64_t heads = 0x100000;
  auto head = [&](uint64_t index) {
    const GuestPtr at = DirectMap(heads + index * sizeof(Link));
    *Ptr<Link>(at) = {at, at};
    return at;
  };
  channel.tasks = head(0);
  channel.mms = head(1);
  channel.objects = head(2);
  channel.slab_caches = head(3);
  channel.pid_buckets = kPidBuckets;
  channel.pid_hash = head(16);
  for (uint64_t i = 1; i < kPidBuckets; ++i) {
    head(16 + i);
  }
  channel.pids = head(4);
  channel.pid_namespaces = head(5);
  channel.pid_number_buckets = kPidBuckets;
  channel.pid_numbers = head(16 + kPidBuckets);
  for (uint64_t i = 1; i < kPidBuckets; ++i) {
    head(16 + kPidBuckets + i);
  }
  statics_ = heads + 4096;
  channel.cpus = DirectMap(statics_);
  channel.cpu_count = 1;
  statics_ += sizeof(proto::CpuRecord);
  channel.frame_table = DirectMap(kFrameTableGpa);
  channel.frame_count = frames;
  const uint64_t reserved =
      (kFrameTableGpa + frames * sizeof(FrameRecord) + kPageBytes - 1) >> kPageShift;
  for (uint64_t pfn = 0; pfn < reserved; ++pfn) {
    Frame(pfn) = {1, FrameState::kReserved, 0, 0, 0};
  }
  channel.frame_high_water = reserved;
  channel.free_frames = frames - reserved;
  zero_pfn_ = AllocateFrame(FrameState::kZero);
  channel.zero_pfn = zero_pfn_;
  AddCache("task_struct", TaskObjectBytes());
  AddCache("mm", sizeof(proto::MmRecord) + 64);
  AddCache("vma", sizeof(proto::VmaRecord) + 24);
  AddCache("anon_lineage", proto::kOriginAlign);
  AddCache("object", 2 * proto::kOriginAlign);
  AddCache("pid", sizeof(proto::PidRecord));
  AddCache("pid_namespace", sizeof(proto::PidNamespaceRecord) + 32);
  AddCache("pid_numbers", kMaxTestLevel * sizeof(proto::PidNumberRecord));
  BootShares();
  initial_space_ = AddPidSpace(0);
  init_ = AddTask(1, 0, 0);
  channel.init_task = init_;
  Ptr<proto::CpuRecord>(channel.cpus)->current = init_;
}

GuestPtr GuestBuilder::AllocateStatic(uint64_t bytes) {
  const GuestPtr at = DirectMap(statics_);
  statics_ += bytes;
  return at;
}

uint64_t GuestBuilder::AllocateFrame(FrameState state, uint64_t aux) {
  uint64_t pfn;
  if (!free_.empty()) {
    pfn = free_.back();
    free_.pop_back();
    std::memset(At<uint8_t[kPageBytes]>(pfn << kPageShift), 0, kPageBytes);
  } else {
    pfn = header().frame_high_water++;
    if (pfn >= header().frame_count) {
      std::abort();  // the test asked for more than its guest has
    }
  }
  --header().free_frames;
  Frame(pfn) = {1, state, 0, 0, aux};
  MarkDirty(pfn << kPageShift, kPageBytes);
  return pfn;
}

uint64_t GuestBuilder::AllocateStack(GuestPtr task) {
  constexpr uint64_t kFrames = proto::kKernelStackBytes / kPageBytes;
  // Stacks are aligned: take them from above the high-water mark; what is skipped becomes free.
  while (header().frame_high_water % kFrames != 0) {
    free_.push_back(header().frame_high_water++);
  }
  const uint64_t pfn = header().frame_high_water;
  for (uint64_t i = 0; i < kFrames; ++i) {
    Frame(pfn + i) = {1, FrameState::kKernelStack, 0, 0, task};
  }
  header().frame_high_water += kFrames;
  header().free_frames -= kFrames;
  *At<uint64_t>(pfn << kPageShift) = proto::kStackEndMagic;
  return pfn;
}

void GuestBuilder::FreeFrame(uint64_t pfn) {
  Frame(pfn) = {};
  free_.push_back(pfn);
  ++header().free_frames;
}

void GuestBuilder::Put(uint64_t pfn) {
  if (--Frame(pfn).refs == 0) {
    FreeFrame(pfn);
  }
}

void GuestBuilder::AddCache(const char* name, uint32_t bytes) {
  const GuestPtr at = DirectMap(statics_);
  statics_ += sizeof(proto::SlabCacheRecord);
  auto* record = Ptr<proto::SlabCacheRecord>(at);
  *record = {};
  record->magic = proto::kSlabMagic;
  std::strncpy(record->name, name, sizeof(record->name) - 1);
  record->object_bytes = bytes;
  record->objects_per_slab = static_cast<uint32_t>(kPageBytes / bytes);
  ListAdd(header().slab_caches, at + offsetof(proto::SlabCacheRecord, caches));
  caches_[name] = {at, bytes, {}};
}

GuestPtr GuestBuilder::AllocateObject(const char* name) {
  Cache& cache = caches_.at(name);
  if (cache.free.empty()) {
    const uint64_t pfn = AllocateFrame(FrameState::kSlab, cache.record);
    for (uint64_t i = 0; i < kPageBytes / cache.bytes; ++i) {
      cache.free.push_back(DirectMap((pfn << kPageShift) + i * cache.bytes));
    }
    ++Ptr<proto::SlabCacheRecord>(cache.record)->slabs;
    ++Ptr<proto::SlabCacheRecord>(cache.record)->frames;
  }
  const GuestPtr object = cache.free.back();
  cache.free.pop_back();
  ++Ptr<proto::SlabCacheRecord>(cache.record)->active_objects;
  MarkDirty(PhysOfDirectMap(object), cache.bytes);
  std::memset(ram_ + PhysOfDirectMap(object), 0, cache.bytes);
  return object;
}

void GuestBuilder::FreeObject(const char* name, GuestPtr object) {
  Cache& cache = caches_.at(name);
  MarkDirty(PhysOfDirectMap(object), cache.bytes);
  std::memset(ram_ + PhysOfDirectMap(object), 0x6B, cache.bytes);
  cache.free.push_back(object);
  --Ptr<proto::SlabCacheRecord>(cache.record)->active_objects;
}

void GuestBuilder::ListAdd(GuestPtr head, GuestPtr link) {
  const GuestPtr last = Peek<Link>(head).prev;
  *Ptr<Link>(link) = {head, last};
  Ptr<Link>(last)->next = link;
  Ptr<Link>(head)->prev = link;
}

void GuestBuilder::ListRemove(GuestPtr link) {
  const Link at = Peek<Link>(link);
  Ptr<Link>(at.prev)->next = at.next;
  Ptr<Link>(at.next)->prev = at.prev;
  *Ptr<Link>(link) = {0, 0};
}

std::vector<GuestPtr> GuestBuilder::List(GuestPtr head, uint64_t offset) const {
  std::vector<GuestPtr> members;
  for (GuestPtr at = Peek<Link>(head).next; at != head; at = Peek<Link>(at).next) {
    members.push_back(at - offset);
  }
  return members;
}

}  // namespace fv::oracle::testing
