// SPDX-License-Identifier: Apache-2.0
//
// What the kernel tells the detector of its own memory errors (guest/sanitize, docs/memory.md).
// Only //guest:kernel_kasan is built with FV_KASAN; elsewhere these functions are empty and nothing
// is left of them.
//
// Loads and stores are checked by the compiler's code. CheckRead and CheckWrite are for what it
// does not see: memory that inline assembly reads and writes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/boot_info.h"

// A function that may touch what nobody else may.
#define FV_UNCHECKED __attribute__((no_sanitize("kernel-address")))

namespace fv::guest {

class SlabCacheBase;

namespace sanitize {

// An object that is given back, or none: cache is null.
struct FreedObject {
  SlabCacheBase* cache;
  void* object;
};

#ifdef FV_KASAN

// Bytes behind each object of a slab: the detector's notes on it.
inline constexpr uint32_t kObjectRedzone = 32;

// How much of an object its user asked for.
class ObjectPayload {
 public:
  constexpr explicit ObjectPayload(size_t bytes) : bytes_(bytes) {}
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_;
};

// The first thing that the kernel does: until then no code may run that is checked.
void Init(const proto::BootInfo& boot);
// The kernel's free memory begins here, behind the shadow.
uint64_t FirstFreeGpa(const proto::BootInfo& boot);

// Frames from `end_pfn` on were never handed out.
void OnFramesUsed(uint64_t end_pfn);
void OnFramesAllocated(uint64_t pfn, unsigned order);
// Call while their records still say what they were.
void OnFramesFreed(uint64_t pfn, unsigned order);
// Of `bytes` of frames only the first `used` were asked for.
void OnBlockAllocated(void* block, size_t used, size_t bytes);

// A slab of `bytes` with a header and free objects.
void OnSlabAdded(void* slab, size_t header_bytes, size_t bytes);
void OnObjectAllocated(void* object, ObjectPayload payload, size_t stride);
// Of an object of a cache of sizes only the first `used` bytes were asked for.
void OnObjectTrimmed(void* object, size_t used, ObjectPayload payload);
// Keeps the object for a while, so that late uses of it are found; gives back the one that has been
// kept for longest.
FreedObject DelayFree(FreedObject freed, size_t stride);
// Gives back one that is kept.
FreedObject TakeDelayed();

// The lowest words of the stack are written; nothing may come near them.
void OnStackMade(uint64_t stack_base);

enum class Access : uint8_t { kRead, kWrite };
// `frame` is of the function that accesses the memory for its caller.
void CheckRange(const void* memory, size_t bytes, Access access, const void* frame);
[[gnu::always_inline]] inline void CheckRead(const void* memory, size_t bytes) {
  CheckRange(memory, bytes, Access::kRead, __builtin_frame_address(0));
}
[[gnu::always_inline]] inline void CheckWrite(const void* memory, size_t bytes) {
  CheckRange(memory, bytes, Access::kWrite, __builtin_frame_address(0));
}

#else

inline constexpr uint32_t kObjectRedzone = 0;

class ObjectPayload {
 public:
  constexpr explicit ObjectPayload(size_t /*bytes*/) {}
};

inline void Init(const proto::BootInfo& /*boot*/) {}
inline uint64_t FirstFreeGpa(const proto::BootInfo& boot) { return boot.first_free_gpa; }
inline void OnFramesUsed(uint64_t /*end_pfn*/) {}
inline void OnFramesAllocated(uint64_t /*pfn*/, unsigned /*order*/) {}
inline void OnFramesFreed(uint64_t /*pfn*/, unsigned /*order*/) {}
inline void OnBlockAllocated(void* /*block*/, size_t /*used*/, size_t /*bytes*/) {}
inline void OnSlabAdded(void* /*slab*/, size_t /*header_bytes*/, size_t /*bytes*/) {}
inline void OnObjectAllocated(void* /*object*/, ObjectPayload /*payload*/, size_t /*stride*/) {}
inline void OnObjectTrimmed(void* /*object*/, size_t /*used*/, ObjectPayload /*payload*/) {}
inline FreedObject DelayFree(FreedObject freed, size_t /*stride*/) { return freed; }
inline FreedObject TakeDelayed() { return {nullptr, nullptr}; }
inline void OnStackMade(uint64_t /*stack_base*/) {}
inline void CheckRead(const void* /*memory*/, size_t /*bytes*/) {}
inline void CheckWrite(const void* /*memory*/, size_t /*bytes*/) {}

#endif

}  // namespace sanitize
}  // namespace fv::guest
