// SPDX-License-Identifier: Apache-2.0
//
// Slabs: a block of 1, 2, 4 or 8 frames, naturally aligned, with this header at its start; masking
// an object's address gives its slab. See slab.h.
#include "guest/mm/slab.h"

#include "guest/introspect/introspect.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/mm/frames.h"

#ifndef FV_DEBUG_FILL
#define FV_DEBUG_FILL FV_HOSTED
#endif

namespace fv::guest {

struct SlabCacheBase::Slab {
  proto::Link link;
  SlabCacheBase* cache;
  void* free;
  uint64_t in_use;
};

namespace {

constexpr size_t kLargestObject = 8192;

constinit proto::Link all_caches{0, 0};

// A free object's link to the next is its first word.
FV_UNCHECKED void* NextFree(const void* object) { return *static_cast<void* const*>(object); }
FV_UNCHECKED void SetNextFree(void* object, void* next) { *static_cast<void**>(object) = next; }

}  // namespace

void SlabCacheBase::Register() {
  if (magic == proto::kSlabMagic) {
    return;
  }
  FV_CHECK(object_bytes <= kLargestObject);
  magic = proto::kSlabMagic;
  objects_per_slab = static_cast<uint32_t>((SlabBytes(object_bytes) - kFirstObject) / object_bytes);
  InitHead(partial_);
  if (!IsLinked(all_caches)) {
    InitHead(all_caches);
  }
  InsertBetween(caches, reinterpret_cast<proto::Link*>(all_caches.prev), &all_caches);
}

SlabCacheBase::Slab* SlabCacheBase::AddSlab() {
  const unsigned order = SlabOrder(object_bytes);
  Result<uint64_t> pfn = AllocateFrames(order, proto::FrameState::kSlab,
                                        AddressOf(static_cast<proto::SlabCacheRecord*>(this)));
  if (!pfn.ok()) {
    return nullptr;
  }
  auto* base = static_cast<uint8_t*>(FrameData(pfn.value()));
  Slab* slab = new (base) Slab{{0, 0}, this, nullptr, 0};
  sanitize::OnSlabAdded(slab, sizeof(Slab), SlabBytes(object_bytes));
  for (uint32_t i = objects_per_slab; i-- > 0;) {
    void* object = base + kFirstObject + size_t{i} * object_bytes;
    SetNextFree(object, slab->free);
    slab->free = object;
  }
  InsertBetween(slab->link, &partial_, NextLink(partial_));
  ++slabs;
  frames += uint64_t{1} << order;
  return slab;
}

void SlabCacheBase::RemoveSlab(Slab* slab) {
  const unsigned order = SlabOrder(object_bytes);
  Unlink(slab->link);
  --slabs;
  frames -= uint64_t{1} << order;
  FreeFrames(PfnOfPointer(slab), order);
}

void* SlabCacheBase::AllocateObject() {
  if (FailInjected()) {
    EmitEvent(proto::EventKind::kOutOfMemory, 0, AddressOf(this));
    return nullptr;
  }
  Register();
  SpinlockGuard guard(lock_);
  // The link is a slab's first member.
  Slab* slab =
      partial_.next == AddressOf(&partial_) ? AddSlab() : reinterpret_cast<Slab*>(partial_.next);
  if (slab == nullptr) {
    return nullptr;
  }
  void* object = slab->free;
  // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a listed slab has a free object
  slab->free = NextFree(object);
  ++slab->in_use;
  if (slab->free == nullptr) {
    Unlink(slab->link);
  }
  ++active_objects;
  ++total_allocated;
  sanitize::OnObjectAllocated(object, payload_, object_bytes);
  return object;
}

// The object is free for others. Inline: in most kernels it is the end of FreeObject.
[[gnu::always_inline]] inline void SlabCacheBase::Release(void* object) {
  auto* slab = reinterpret_cast<Slab*>(AddressOf(object) & ~(SlabBytes(object_bytes) - 1));
  SpinlockGuard guard(lock_);
  if (slab->free == nullptr) {
    InsertBetween(slab->link, &partial_, NextLink(partial_));
  }
  SetNextFree(object, slab->free);
  slab->free = object;
  --slab->in_use;
  // The only partial slab stays: a cache that swings around a slab's edge would thrash.
  if (slab->in_use == 0 && slab->link.next != slab->link.prev) {
    RemoveSlab(slab);
  }
}

void SlabCacheBase::FreeObject(void* object) {
  auto* slab = reinterpret_cast<Slab*>(AddressOf(object) & ~(SlabBytes(object_bytes) - 1));
  FV_CHECK(slab->cache == this && slab->in_use > 0);
#if FV_DEBUG_FILL
  memset(object, kSlabJunk, object_bytes);
#endif
  --active_objects;
  const sanitize::FreedObject now = sanitize::DelayFree({this, object}, object_bytes);
  if (now.cache != nullptr) {
    now.cache->Release(now.object);
  }
}

void SlabCacheBase::DropEmptySlabs() {
  SpinlockGuard guard(lock_);
  for (uint64_t at = partial_.next; at != AddressOf(&partial_);) {
    auto* slab = reinterpret_cast<Slab*>(at);
    at = slab->link.next;
    if (slab->in_use == 0) {
      RemoveSlab(slab);
    }
  }
}

void DropEmptySlabs() {
  for (auto delayed = sanitize::TakeDelayed(); delayed.cache != nullptr;
       delayed = sanitize::TakeDelayed()) {
    delayed.cache->Release(delayed.object);
  }
  for (proto::Link* at = NextLink(all_caches); at != &all_caches; at = NextLink(*at)) {
    auto* record = reinterpret_cast<proto::SlabCacheRecord*>(
        AddressOf(at) - offsetof(proto::SlabCacheRecord, caches));
    static_cast<SlabCacheBase*>(record)->DropEmptySlabs();
  }
}

void InitSlab() {
  if (!IsLinked(all_caches)) {
    InitHead(all_caches);
  }
  Channel().slab_caches = AddressOf(&all_caches);
}

}  // namespace fv::guest
