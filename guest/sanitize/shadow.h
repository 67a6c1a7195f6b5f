// SPDX-License-Identifier: Apache-2.0
//
// The shadow: a byte for each granule of 8 bytes of RAM, an eighth of RAM behind the boot image, in
// frames that are reserved. 0: all 8 bytes may be accessed; 1-7: the first so many; others: none,
// and why. Values and encoding are those that Clang's code writes for stacks.
//
// Frames that were never handed out have no shadow to be written: the high-water mark stands for
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/layout.h"

namespace fv::guest::sanitize {

inline constexpr unsigned kGranuleShift = 3;
inline constexpr uint64_t kGranule = uint64_t{1} << kGranuleShift;

enum Poison : uint8_t {
  kStackLeft = 0xF1,
  kStackMiddle = 0xF2,
  kStackRight = 0xF3,
  kStackEnd = 0xF4,  // the lowest words of a kernel stack
  kAfterScope = 0xF8,
  kGlobalRedzone = 0xF9,
  kNeverAllocated = 0xFA,  // object of a slab
  kFreedObject = 0xFB,
  kObjectEnd = 0xFC,  // behind an object; around a slab's header
  kBlockEnd = 0xFE,   // behind what was asked for of a block of frames
  kFreedFrame = 0xFF,
};

// Shadow byte of an address: shadow_base + (address >> kGranuleShift). Clang's code reads it too.
extern "C" uint64_t __asan_shadow_memory_dynamic_address;
inline uint8_t* ShadowOf(uint64_t address) {
  return reinterpret_cast<uint8_t*>(__asan_shadow_memory_dynamic_address +
                                    (address >> kGranuleShift));
}

// [kKernelBase, kKernelBase + accessible_bytes) has a shadow that is true.
extern uint64_t accessible_bytes;
inline bool HasShadow(uint64_t address) { return address - proto::kKernelBase < accessible_bytes; }

// The first byte of [address, address + bytes) that may not be accessed; 0 if all may.
uint64_t FirstPoisoned(uint64_t address, size_t bytes);

// memset, without checks.
void Fill(void* to, uint8_t value, size_t bytes);
// The granules of [address, address + bytes), which begins at one.
void SetPoison(uint64_t address, size_t bytes, Poison value);
// The first `bytes` from `address` on, which is a granule's, may be accessed.
void Unpoison(uint64_t address, size_t bytes);

}  // namespace fv::guest::sanitize
