// SPDX-License-Identifier: Apache-2.0
//
// The shadow's place, and what becomes of it as frames come and go.
#include "guest/sanitize/shadow.h"

#include "guest/lib/sanitize.h"
#include "guest/mm/frames.h"
#include "guest/sanitize/globals.h"
#include "guest/sanitize/notes.h"

extern "C" {
constinit uint64_t __asan_shadow_memory_dynamic_address = 0;
}

namespace fv::guest::sanitize {

constinit uint64_t accessible_bytes = 0;

namespace {

// What a word of the shadow stands for.
constexpr uint64_t kWordSpan = kGranule * sizeof(uint64_t);
constexpr size_t kStackWords = 4;  // InitKernelStack, SetStackCanary, TellSavedFpu
constexpr size_t kStackEndWords = 8;

constinit uint64_t doorbell = 0;  // its page, above RAM: no shadow, but accessible

constexpr uint64_t PageUp(uint64_t value) {
  return (value + proto::kPageBytes - 1) & ~(proto::kPageBytes - 1);
}
uint64_t ShadowGpa(const proto::BootInfo& boot) { return PageUp(boot.first_free_gpa); }

uint64_t AddressOfFrame(uint64_t pfn) { return proto::DirectMap(pfn << proto::kPageShift); }

}  // namespace

void Fill(void* to, uint8_t value, size_t bytes) {
  // Words first: where ring 0 is emulated, an iteration costs what an instruction costs.
  constexpr uint64_t kEveryByte = 0x0101010101010101;
  size_t words = bytes / sizeof(uint64_t);
  size_t rest = bytes % sizeof(uint64_t);
  asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(kEveryByte * value) : "memory");
  asm volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(value) : "memory");
}

void SetPoison(uint64_t address, size_t bytes, Poison value) {
  Fill(ShadowOf(address), value, bytes >> kGranuleShift);
}

void Unpoison(uint64_t address, size_t bytes) {
  uint8_t* shadow = ShadowOf(address);
  Fill(shadow, 0, bytes >> kGranuleShift);
  if (const auto rest = static_cast<uint8_t>(bytes % kGranule); rest != 0) {
    shadow[bytes >> kGranuleShift] = rest;
  }
}

uint64_t FirstPoisoned(uint64_t address, size_t bytes) {
  const uint64_t end = address + bytes;
  for (uint64_t at = address; at < end;) {
    if (!HasShadow(at)) {
      const bool rings = at - doorbell < proto::kPageBytes && end - doorbell <= proto::kPageBytes;
      return rings ? 0 : at;
    }
    // A word of the shadow at a time as far as it goes.
    if (at % kWordSpan == 0 && end - at >= kWordSpan && HasShadow(at + kWordSpan - 1) &&
        *reinterpret_cast<const uint64_t*>(ShadowOf(at)) == 0) {
      at += kWordSpan;
      continue;
    }
    const uint64_t granule_end = (at | (kGranule - 1)) + 1;
    const uint64_t last = (granule_end < end ? granule_end : end) - 1;
    const uint8_t shadow = *ShadowOf(at);
    if (shadow != 0 && (shadow >= kGranule || last % kGranule >= shadow)) {
      const uint64_t good = shadow < kGranule ? (at & ~(kGranule - 1)) + shadow : at;
      return good < at ? at : good;
    }
    at = granule_end;
  }
  return 0;
}

// RAM behind the boot image reads as zero, so everything may be accessed at first.
void Init(const proto::BootInfo& boot) {
  __asan_shadow_memory_dynamic_address =
      proto::DirectMap(ShadowGpa(boot)) - (proto::kKernelBase >> kGranuleShift);
  accessible_bytes = boot.ram_bytes;
  doorbell = proto::DirectMap(proto::DoorbellPhys(boot.ram_bytes));
  RegisterGlobals();
}

uint64_t FirstFreeGpa(const proto::BootInfo& boot) {
  return ShadowGpa(boot) + (boot.ram_bytes >> kGranuleShift);
}

void OnFramesUsed(uint64_t end_pfn) { accessible_bytes = end_pfn << proto::kPageShift; }

void OnFramesAllocated(uint64_t pfn, unsigned order) {
  Unpoison(AddressOfFrame(pfn), proto::kPageBytes << order);
}

void OnFramesFreed(uint64_t pfn, unsigned order) {
  for (uint64_t i = 0; i < uint64_t{1} << order; ++i) {
    NoteFreedFrame(pfn + i);
  }
  SetPoison(AddressOfFrame(pfn), proto::kPageBytes << order, kFreedFrame);
}

void OnBlockAllocated(void* block, size_t used, size_t bytes) {
  const auto address = reinterpret_cast<uint64_t>(block);
  SetPoison(address, bytes, kBlockEnd);
  Unpoison(address, used);
}

void OnStackMade(uint64_t stack_base) {
  SetPoison(stack_base + kStackWords * kGranule, (kStackEndWords - kStackWords) * kGranule,
            kStackEnd);
}

}  // namespace fv::guest::sanitize
