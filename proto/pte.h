// SPDX-License-Identifier: Apache-2.0
//
// Page-table entry bits: what the CPU defines (Intel SDM volume 3, 4.5) and the software bits
// in which the guest kernel keeps its copy-on-write state. Shared by the kernel and the oracle;
// each of them has a walker of its own, on purpose: an oracle that walks with the kernel's code
// would agree with the kernel's bugs.
#pragma once

#include <cstdint>

namespace fv::proto {

using Pte = uint64_t;

inline constexpr Pte kPtePresent = 1ull << 0;
inline constexpr Pte kPteWritable = 1ull << 1;
inline constexpr Pte kPteUser = 1ull << 2;
inline constexpr Pte kPteAccessed = 1ull << 5;
inline constexpr Pte kPteDirty = 1ull << 6;
inline constexpr Pte kPteHuge = 1ull << 7;    // PS: in a PDPT or PD entry
inline constexpr Pte kPteGlobal = 1ull << 8;  // G: a load of CR3 keeps the translation
inline constexpr Pte kPteNoExecute = 1ull << 63;
inline constexpr Pte kPteFrameMask = 0x000F'FFFF'FFFF'F000;

// Software bits (9-11 and 52-58 are ignored by the CPU).
// The frame is, or was at the last fork, shared with another private mapping: a write must go
// through a copy-on-write fault. A PTE with this bit is never writable (invariant I1).
inline constexpr Pte kPteCow = 1ull << 9;
// The entry maps the zero frame, which is not reference-counted; never writable.
inline constexpr Pte kPteZero = 1ull << 10;
// In a page-directory entry: the page table below is shared between address spaces and counted
// in its frame record; never writable through this entry (invariant I8).
inline constexpr Pte kPteSharedTable = 1ull << 11;

// With kPteZero and without kPteUser: a guard (MADV_GUARD_INSTALL). Every access of the user is a
// SIGSEGV, whatever the mapping allows, until the guard is removed or the page unmapped.
inline constexpr Pte kPteGuard = 1ull << 52;

// Another present entry of a process without kPteUser is a page of a PROT_NONE mapping: kept with
// its content and its reference, out of the user's reach until mprotect gives access back.

inline constexpr unsigned kPageTableLevels = 4;
inline constexpr unsigned kEntriesPerTable = 512;

// Index into the table of `level` (4 = PML4 ... 1 = page table) for a virtual address.
constexpr unsigned TableIndex(uint64_t va, unsigned level) {
  return static_cast<unsigned>(va >> (12 + 9 * (level - 1))) & (kEntriesPerTable - 1);
}
// Bytes that one entry of a table of `level` spans.
constexpr uint64_t EntrySpan(unsigned level) { return uint64_t{1} << (12 + 9 * (level - 1)); }

}  // namespace fv::proto
