// SPDX-License-Identifier: Apache-2.0
//
// Page tables (level 1) that address spaces share since a fork by the ondemand strategy, copy-on-
// write at the grain of a table, 2 MiB. (After Zhao, Gong, Fonseca: On-demand-fork, EuroSys 2021.)
//
// Invariants: every entry that points to a table with more than one reference is marked
// kPteSharedTable and not writable, so that nobody writes to a page through it, whatever the
// table's own entries allow; the table does not change while it is shared; a frame counts one
// reference for each entry of the table, not for each address space that reaches it; the table's
// FrameRecord::aux says how many of its entries map anonymous and object frames. An address space
// that is left alone with a table keeps the mark until it needs the table as its own.
// Whoever changes an entry owns the table first (OwnTables); Mm::shared_tables, the count of marked
// entries, keeps that free where nothing is shared.
// Locking: the lock of each address space for its entries; references as those of any frame.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"
#include "guest/mm/mm.h"
#include "guest/mm/page_table.h"
#include "guest/mm/tlb_batch.h"

namespace fv::guest {

struct ForkCounts;

// The entry of the level above that points to the level-1 table for `va`, or nullptr if there is
// no table of level 2. The entry may be absent.
proto::Pte* TableEntryOf(const proto::MmRecord& mm, uint64_t va);

bool OwnTablesSlow(Mm& mm, uint64_t start, uint64_t end);
bool TableIsSharedSlow(const Mm& mm, uint64_t va);

// Whether the table for `va` is marked as shared: its entries must not be changed, and a write
// through them faults.
inline bool TableIsShared(const Mm& mm, uint64_t va) {
  return mm.shared_tables != 0 && TableIsSharedSlow(mm, va);
}

// Makes every table of [start, end) this address space's own. Errors: ENOMEM; what was owned on the
// way stays owned, which nobody sees.
inline Status OwnTables(Mm& mm, uint64_t start, uint64_t end) {
  return mm.shared_tables == 0 || OwnTablesSlow(mm, start, end) ? Ok() : Status(Error(ENOMEM));
}
// The same for the tables that lie only partly in [start, end): what ZapRange asks for.
Status OwnEdgeTables(Mm& mm, uint64_t start, uint64_t end);
// The entry for `va` of a table that is this address space's own, made if missing. Errors: ENOMEM.
Result<proto::Pte*> EnsureOwnPte(Mm& mm, uint64_t va);

// Gives up the shared tables that lie wholly in [start, end), and the pages behind them: they are
// no longer mapped here. A table without other users becomes an ordinary one and stays.
// `batch` is nullptr for an address space that will never run again.
void DropSharedTables(Mm& mm, uint64_t start, uint64_t end, TlbBatch* batch);

// What the mappings that reach into a table show.
enum class TableContent : uint8_t {
  kAnonymous,  // private memory of no file: every entry maps an anonymous frame or the zero frame
  kAny,
};

// Lets `child` use the parent's table for `va`; a table that the child has there is freed. Errors:
// ENOMEM (a table of level 2 or 3).
Status ShareTable(Mm& parent, Mm& child, uint64_t va, TableContent content, ForkCounts& counts);

}  // namespace fv::guest
