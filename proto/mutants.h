// SPDX-License-Identifier: Apache-2.0
//
// Mutants: bugs of the kind that real kernels had, compiled into a kernel of its own for tests
// (FV_MUTANTS) and switched on one at a time by BootInfo::mutant. The oracle must catch each, by
// the invariant that it breaks. docs/invariants.md tells their stories.
#pragma once

#include <cstdint>

namespace fv::proto {

// X(number, Name, "name", invariant, "the bug"). Numbers are constant for ever.
#define FV_MUTANT_LIST(X)                                                                        \
  X(1, ForkKeepsWrite, "fork-keeps-write", 1, "fork leaves the parent's entries writable")       \
  X(2, ForkLosesReference, "fork-loses-reference", 2, "fork does not count the child's mapping") \
  X(3, ForkSkipsFlush, "fork-skips-flush", 7, "fork does not flush what it write-protected")     \
  X(4, BreakCopiesOther, "break-copies-other", 6, "breaking copy-on-write copies another page")  \
  X(5, BreakBackwards, "break-backwards", 6, "breaking copy-on-write copies the wrong way")      \
  X(6, ReuseShared, "reuse-shared", 1, "a write takes over a frame that others still map")       \
  X(7, UnmapKeepsEntries, "unmap-keeps-entries", 3, "munmap frees the frames, not the entries")  \
  X(8, ProtectForgets, "protect-forgets", 3, "mprotect changes the mapping, not its entries")    \
  X(9, UnmapSkipsFlush, "unmap-skips-flush", 7, "munmap does not flush")                         \
  X(10, DontCopyCopied, "dontcopy-copied", 10, "fork copies what MADV_DONTFORK kept out")        \
  X(11, TotalsForgotten, "totals-forgotten", 10, "munmap does not lower the total size")         \
  X(12, ZeroWritable, "zero-writable", 1, "a read of fresh memory maps the zero frame writable") \
  X(13, ChildNotHashed, "child-not-hashed", 9, "fork does not enter the child in the pid hash")  \
  X(14, ExitKeepsMm, "exit-keeps-mm", 9, "exit does not let go of the address space")            \
  X(15, FreeUncounted, "free-uncounted", 11, "freed frames are not counted as free")             \
  X(16, StackLeaked, "stack-leaked", 11, "the kernel stack of a dead task is not freed")         \
  X(17, NoCanary, "no-canary", 12, "a new kernel stack has no canary")                           \
  X(18, SharedAsPrivate, "shared-as-private", 4, "fork treats shared mappings as private")       \
  X(19, WrongFilePage, "wrong-file-page", 4, "a fault maps the page after the right one")        \
  X(20, BreakFreesTwice, "break-frees-twice", 5, "breaking copy-on-write drops two references")  \
  X(21, WipeForgotten, "wipe-forgotten", 6, "fork copies what MADV_WIPEONFORK was to wipe")      \
  X(22, TableLeaked, "table-leaked", 2, "munmap forgets to free an empty page table")            \
  X(23, ResidentWrong, "resident-wrong", 11, "munmap does not lower the resident size")          \
  X(24, CommitDrift, "commit-drift", 13, "munmap does not give back what it was charged for")    \
  X(25, SharedTableWritable, "shared-table-writable", 8, "a shared page table stays writable")   \
  X(26, LineageForgotten, "lineage-forgotten", 14, "fork does not enter the child's mappings")

enum class Mutant : uint32_t {
  kNone = 0,
#define FV_X(number, name, ...) k##name = number,
  FV_MUTANT_LIST(FV_X)
#undef FV_X
};

}  // namespace fv::proto
