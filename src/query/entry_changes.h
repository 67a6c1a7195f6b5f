// SPDX-License-Identifier: Apache-2.0
//
// Page-table entries of one address space at two moments: what became of each, neighbours with the
// same fate as one row.
#pragma once

#include <string>

#include "src/inspect/snapshot.h"
#include "src/query/listing.h"

namespace fv::query {

Listing EntryChangesListing();  // without rows
void AddEntryChanges(const std::string& user, const inspect::Snapshot& before,
                     const inspect::Mm& was, const inspect::Snapshot& after, const inspect::Mm& is,
                     Listing& listing);

// What an entry became, in words: "copy-on-write", "writable", "new", "gone", "another frame"...;
// several are joined. Empty: nothing but the CPU's own marks (accessed, dirty) changed.
std::string EntryChange(proto::Pte before, proto::Pte after);

}  // namespace fv::query
