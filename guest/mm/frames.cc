// SPDX-License-Identifier: Apache-2.0
//
// The buddy allocator; see frames.h for the rules of the records. A free block of order k is on
// list k; the links are frame numbers in the aux word of its first record, so a free list costs no
// memory. Blocks come from the lists first (warm, already backed by the host), then from the
// virgin region.
#include "guest/mm/frames.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/lib/sanitize.h"
#include "guest/lib/spinlock.h"
#include "guest/lib/string.h"
#include "guest/mm/spare_trees.h"

#ifndef FV_DEBUG_FILL
#define FV_DEBUG_FILL FV_HOSTED
#endif

namespace fv::guest {

using proto::FrameRecord;
using proto::FrameState;

constinit FrameRecord* frame_table = nullptr;

namespace {

// No frame; never 0, so that aux of a listed block is never 0.
constexpr uint32_t kNone = ~uint32_t{0};
#if FV_DEBUG_FILL
constexpr int kFrameJunk = 0x5A;
#endif

struct Allocator {
  uint32_t heads[kMaxOrder + 1];
  uint64_t virgin;  // first frame that was never handed out; = ChannelHeader::frame_high_water
  uint64_t end;     // one past the last frame
  uint64_t zero_pfn;
  uint64_t free;
  uint64_t* tables;  // ChannelHeader::table_frames
  proto::ChannelHeader* channel;
  Spinlock lock;
};
constinit Allocator frames{};

uint64_t Links(uint32_t next, uint32_t prev) { return next | uint64_t{prev} << 32; }
uint32_t NextOf(const FrameRecord& record) { return static_cast<uint32_t>(record.aux); }
uint32_t PrevOf(const FrameRecord& record) { return static_cast<uint32_t>(record.aux >> 32); }

void ListPush(uint64_t pfn, unsigned order) {
  const uint32_t head = frames.heads[order];
  FrameRecord& record = FrameOf(pfn);
  record = {};
  record.order = static_cast<uint8_t>(order);
  record.aux = Links(head, kNone);
  if (head != kNone) {
    FrameOf(head).aux = Links(NextOf(FrameOf(head)), static_cast<uint32_t>(pfn));
  }
  frames.heads[order] = static_cast<uint32_t>(pfn);
}

void ListRemove(uint64_t pfn, unsigned order) {
  FrameRecord& record = FrameOf(pfn);
  const uint32_t next = NextOf(record);
  const uint32_t prev = PrevOf(record);
  if (next != kNone) {
    FrameOf(next).aux = Links(NextOf(FrameOf(next)), prev);
  }
  if (prev == kNone) {
    frames.heads[order] = next;
  } else {
    FrameOf(prev).aux = Links(next, PrevOf(FrameOf(prev)));
  }
  record = {};
}

bool IsFreeBlock(uint64_t pfn, unsigned order) {
  const FrameRecord& record = FrameOf(pfn);
  return record.state == FrameState::kFree && record.aux != 0 && record.order == order;
}

void Count(int64_t change) {
  frames.free += static_cast<uint64_t>(change);
  frames.channel->free_frames = frames.free;
}

// Gives a block back to the lists, merged with its buddies.
void Release(uint64_t pfn, unsigned order) {
  while (order < kMaxOrder) {
    const uint64_t buddy = pfn ^ (uint64_t{1} << order);
    if (buddy >= frames.end || !IsFreeBlock(buddy, order)) {
      break;
    }
    ListRemove(buddy, order);
    pfn &= ~(uint64_t{1} << order);
    ++order;
  }
  ListPush(pfn, order);
}

// A block from the free lists, split as needed, or 0.
uint64_t TakeListed(unsigned order) {
  unsigned from = order;
  while (from <= kMaxOrder && frames.heads[from] == kNone) {
    ++from;
  }
  if (from > kMaxOrder) {
    return 0;
  }
  const uint64_t pfn = frames.heads[from];
  ListRemove(pfn, from);
  while (from > order) {
    --from;
    ListPush(pfn + (uint64_t{1} << from), from);
  }
  return pfn;
}

// A block from the virgin region, or 0. Frames skipped for alignment become free blocks.
uint64_t TakeVirgin(unsigned order) {
  const uint64_t size = uint64_t{1} << order;
  const uint64_t pfn = (frames.virgin + size - 1) & ~(size - 1);
  if (pfn + size > frames.end) {
    return 0;
  }
  while (frames.virgin < pfn) {
    const auto step = static_cast<unsigned>(__builtin_ctzll(frames.virgin));
    const uint64_t at = frames.virgin;
    frames.virgin += uint64_t{1} << step;
    sanitize::OnFramesUsed(frames.virgin);
    sanitize::OnFramesFreed(at, step);
    Release(at, step);
  }
  frames.virgin = pfn + size;
  frames.channel->frame_high_water = frames.virgin;
  sanitize::OnFramesUsed(frames.virgin);
  return pfn;
}

enum class Content : uint8_t { kUndefined, kZero };

// The block's first frame, or 0; `content` says what it holds.
uint64_t Take(unsigned order, Content& content) {
  SpinlockGuard guard(frames.lock);
  content = Content::kUndefined;
  uint64_t pfn = TakeListed(order);
  if (pfn == 0) {
    pfn = TakeVirgin(order);
    content = Content::kZero;
  }
  if (pfn != 0) {
    Count(-(int64_t{1} << order));
  }
  return pfn;
}

Result<uint64_t> Allocate(unsigned order, FrameState state, uint64_t aux, Content& content) {
  FV_CHECK(order <= kMaxOrder);
  const bool injected = FailInjected();
  uint64_t pfn = injected ? 0 : Take(order, content);
  if (pfn == 0 && !injected && DropSpareTrees()) [[unlikely]] {
    pfn = Take(order, content);
  }
  if (pfn == 0) [[unlikely]] {
    EmitEvent(proto::EventKind::kOutOfMemory, order, static_cast<uint64_t>(state));
    return Error(ENOMEM);
  }
  for (uint64_t i = 0; i < uint64_t{1} << order; ++i) {
    FrameOf(pfn + i) = {.refs = 1, .state = state, .order = 0, .pins = 0, .aux = aux};
  }
  FrameOf(pfn).order = static_cast<uint8_t>(order);
  sanitize::OnFramesAllocated(pfn, order);
  if (state == FrameState::kPageTable) {
    frames.tables[pfn / 64] |= uint64_t{1} << pfn % 64;
  }
  return pfn;
}

}  // namespace

void InitFrames(const proto::BootInfo& boot) {
  proto::ChannelHeader& channel = Channel();
  const uint64_t free = sanitize::FirstFreeGpa(boot);
  const uint64_t table = (free + proto::kPageBytes - 1) & ~(proto::kPageBytes - 1);
  const uint64_t count = boot.ram_bytes / proto::kPageBytes;
  const uint64_t tables = table + count * sizeof(FrameRecord);
  const uint64_t table_end = tables + count / 8;
  const uint64_t first = (table_end + proto::kPageBytes - 1) / proto::kPageBytes;
  FV_CHECK(first + 1 < count && count < kNone);
  frame_table = reinterpret_cast<FrameRecord*>(proto::DirectMap(table));
  for (unsigned order = 0; order <= kMaxOrder; ++order) {
    frames.heads[order] = kNone;
  }
  frames.virgin = first;
  frames.end = count;
  frames.free = count - first;
  frames.tables = reinterpret_cast<uint64_t*>(proto::DirectMap(tables));
  frames.channel = &channel;
  channel.table_frames = proto::DirectMap(tables);
  // The only loop: boot image, initrd and the table itself, which is 1/65,536 of RAM's frames.
  for (uint64_t pfn = 0; pfn < first; ++pfn) {
    FrameOf(pfn) = {.refs = 1, .state = FrameState::kReserved, .order = 0, .pins = 0, .aux = 0};
  }
  channel.frame_table = proto::DirectMap(table);
  channel.frame_count = count;
  channel.free_frames = frames.free;
  channel.frame_high_water = first;
  sanitize::OnFramesUsed(first);
  Result<uint64_t> zero = AllocateZeroedFrame(FrameState::kZero);
  FV_CHECK(zero.ok());
  frames.zero_pfn = zero.value();
  channel.zero_pfn = frames.zero_pfn;
}

Result<uint64_t> AllocateFrames(unsigned order, FrameState state, uint64_t aux) {
  Content content;
  return Allocate(order, state, aux, content);
}

Result<uint64_t> AllocateZeroedFrame(FrameState state, uint64_t aux) {
  Content content = Content::kUndefined;
  const uint64_t pfn = TRY(Allocate(0, state, aux, content));
  if (content != Content::kZero) {
    ZeroPage(FrameData(pfn));
  }
  return pfn;
}

void FreeFrames(uint64_t pfn, unsigned order) {
  const FrameRecord& record = FrameOf(pfn);
  FV_CHECK(record.state != FrameState::kFree && record.state != FrameState::kReserved);
  FV_CHECK(record.order == order && record.pins == 0);
  sanitize::OnFramesFreed(pfn, order);
  for (uint64_t i = 0; i < uint64_t{1} << order; ++i) {
    FrameOf(pfn + i) = {};
#if FV_DEBUG_FILL
    memset(FrameData(pfn + i), kFrameJunk, proto::kPageBytes);
#endif
  }
  SpinlockGuard guard(frames.lock);
  Release(pfn, order);
  if (HasMutant(Mutant::kFreeUncounted)) {
    return;
  }
  Count(int64_t{1} << order);
}

void PutFrame(uint64_t pfn) {
  FrameRecord& record = FrameOf(pfn);
  FV_CHECK(record.refs > 0);
  if (--record.refs == 0) {
    FreeFrames(pfn, 0);
  }
}

void PinFrame(uint64_t pfn) {
  FrameRecord& record = FrameOf(pfn);
  FV_CHECK(record.pins < UINT16_MAX);
  ++record.refs;
  ++record.pins;
}

bool TryPinFrame(uint64_t pfn) {
  if (pfn == ZeroPfn() || FrameOf(pfn).pins == UINT16_MAX) {
    return false;
  }
  PinFrame(pfn);
  return true;
}

void UnpinFrame(uint64_t pfn) {
  FrameRecord& record = FrameOf(pfn);
  FV_CHECK(record.pins > 0);
  --record.pins;
  PutFrame(pfn);
}

uint64_t ZeroPfn() { return frames.zero_pfn; }
uint64_t TotalFrames() { return frames.end; }
uint64_t FreeFrameCount() { return frames.free; }

}  // namespace fv::guest
