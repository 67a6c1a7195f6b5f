// SPDX-License-Identifier: Apache-2.0
//
// Physical frames: a 16-byte record for each (proto::FrameRecord) and a buddy allocator of orders
// 0..kMaxOrder. Frames that were never handed out form the "virgin" region at the top of RAM: their
// records and their content read as zero, nothing was ever written for them, so boot costs nothing
// for them and a zeroed frame from there needs no zeroing.
//
// Invariants: a free block's first record has state kFree and aux != 0 (free-list links); the
// other records of the block are all zero. Every frame of an allocated block has the block's
// state, refs = 1 and aux. ChannelHeader::free_frames and frame_high_water are always true.
// Locking: the allocator's lists by frames_lock; refs will be atomic with a second vCPU.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "proto/boot_info.h"
#include "proto/layout.h"
#include "proto/pte.h"
#include "proto/records.h"

namespace fv::guest {

inline constexpr unsigned kMaxOrder = 10;

// Places the frame table where free memory begins, reserves everything below its end, makes the
// zero frame and fills in the frame fields of the channel. Call after InitChannel.
void InitFrames(const proto::BootInfo& boot);

// 2^order contiguous, naturally aligned frames; each with refs = 1, `state` and `aux`. The content
// is undefined. Errors: ENOMEM.
Result<uint64_t> AllocateFrames(unsigned order, proto::FrameState state, uint64_t aux = 0);
// One frame that reads as zero. Errors: ENOMEM.
Result<uint64_t> AllocateZeroedFrame(proto::FrameState state, uint64_t aux = 0);
// REQUIRES: `pfn` and `order` are those of one AllocateFrames; no reference is left in use.
void FreeFrames(uint64_t pfn, unsigned order);

extern proto::FrameRecord* frame_table;
inline proto::FrameRecord& FrameOf(uint64_t pfn) { return frame_table[pfn]; }

// The content of a frame, through the direct map.
inline void* FrameData(uint64_t pfn) {
  return reinterpret_cast<void*>(proto::kKernelBase + (pfn << proto::kPageShift));
}
inline uint64_t PfnOfPointer(const void* pointer) {
  return (reinterpret_cast<uint64_t>(pointer) - proto::kKernelBase) >> proto::kPageShift;
}
inline uint64_t PfnOfPte(proto::Pte pte) {
  return (pte & proto::kPteFrameMask) >> proto::kPageShift;
}

// One more or one fewer reference to an order-0 frame; the last one frees it.
inline void GetFrame(uint64_t pfn) { ++FrameOf(pfn).refs; }
void PutFrame(uint64_t pfn);
// References of the kernel itself (a pipe, a transfer under way): counted in refs and in pins, so
// that the frame is not exclusive to its mapping and a write of the user makes a copy.
void PinFrame(uint64_t pfn);
// The same, unless it is the zero frame or has as many pins as can be counted.
bool TryPinFrame(uint64_t pfn);
void UnpinFrame(uint64_t pfn);

uint64_t ZeroPfn();
uint64_t TotalFrames();
uint64_t FreeFrameCount();

}  // namespace fv::guest
