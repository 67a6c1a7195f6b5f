// SPDX-License-Identifier: Apache-2.0
//
// Kernel objects of one size from slabs, and memory of variable size from size classes. A slab is a
// block of frames: a header, then objects; free objects are linked through their first word. A
// cache keeps its slabs with free objects on a list and gives empty slabs back, but for one.
//
//   constinit SlabCache<Vma> vma_cache("vma");      // static storage; registers itself on first
//   use Vma* vma = vma_cache.New(...);                  // nullptr: out of memory
//   vma_cache.Delete(vma);
//
// Free objects are filled with kSlabJunk in builds with FV_DEBUG_FILL.
// Locking: each cache's lists by the cache's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "guest/lib/list.h"
#include "guest/lib/sanitize.h"
#include "guest/lib/spinlock.h"
#include "proto/records.h"

namespace fv::guest {

inline constexpr uint8_t kSlabJunk = 0x6B;

// Where the first object of a slab is: aligned for any type.
inline constexpr size_t kFirstObject = 64;
// Larger objects get larger slabs, so that a slab holds several.
constexpr unsigned SlabOrder(uint32_t object_bytes) {
  unsigned order = 0;
  while (order < 3 && (proto::kPageBytes << order) < uint64_t{object_bytes} * 8) {
    ++order;
  }
  return order;
}
constexpr size_t SlabBytes(uint32_t object_bytes) {
  return size_t{proto::kPageBytes} << SlabOrder(object_bytes);
}

class SlabCacheBase : public proto::SlabCacheRecord {
 public:
  // `name` is cut at 23 characters. Object sizes are rounded up to `align`, a power of two <= 64.
  constexpr SlabCacheBase(const char* cache_name, size_t bytes, size_t align)
      : proto::SlabCacheRecord{}, payload_(bytes < sizeof(void*) ? sizeof(void*) : bytes) {
    for (size_t i = 0; i + 1 < sizeof(name) && cache_name[i] != '\0'; ++i) {
      name[i] = cache_name[i];
    }
    const size_t least = bytes < sizeof(void*) ? sizeof(void*) : bytes;
    object_bytes =
        static_cast<uint32_t>((least + sanitize::kObjectRedzone + align - 1) & ~(align - 1));
  }
  SlabCacheBase(const SlabCacheBase&) = delete;

  // Puts the cache on the list that the host reads; the first allocation does it too.
  void Register();
  // Uninitialised memory for one object, or nullptr.
  void* AllocateObject();
  void FreeObject(void* object);
  // Gives slabs without an object in use back.
  void DropEmptySlabs();
  sanitize::ObjectPayload payload() const { return payload_; }

 private:
  struct Slab;
  Slab* AddSlab();
  void RemoveSlab(Slab* slab);
  void Release(void* object);
  friend void DropEmptySlabs();

  proto::Link partial_{0, 0};  // slabs with at least one free object
  Spinlock lock_;
  [[no_unique_address]] sanitize::ObjectPayload payload_;
};

template <typename T>
class SlabCache : public SlabCacheBase {
 public:
  constexpr explicit SlabCache(const char* cache_name)
      : SlabCacheBase(cache_name, sizeof(T), alignof(T) < 8 ? 8 : alignof(T)) {}

  template <typename... Args>
  T* New(Args&&... args) {
    void* memory = AllocateObject();
    return memory == nullptr ? nullptr : new (memory) T(std::forward<Args>(args)...);
  }
  void Delete(T* object) {
    if (object != nullptr) {
      object->~T();
      FreeObject(object);
    }
  }
};

// Gives back every slab without an object in use, of all caches.
void DropEmptySlabs();

// Publishes the list of caches in the channel. Call after InitFrames.
void InitSlab();

// Memory of 1 byte to 4 MiB, aligned to 16 bytes (to a page above 2 KiB), content undefined;
// nullptr when there is none. KernelFree takes the size that was asked for; nullptr is ignored.
void* KernelAllocate(size_t bytes);
void* KernelAllocateZeroed(size_t bytes);
void KernelFree(void* memory, size_t bytes);

}  // namespace fv::guest
