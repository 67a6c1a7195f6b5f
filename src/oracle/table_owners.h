// SPDX-License-Identifier: Apache-2.0
//
// Member template of TableCache that both of its files use.
#pragma once

#include <functional>

#include "src/inspect/table_reader.h"
#include "src/oracle/table_cache.h"

namespace fv::oracle {

// Calls visit(address space, rights of that path) for every address space that reaches `table`.
template <typename Visit>
void TableCache::ForEachOwner(const CachedTable& table, Visit visit) const {
  if (table.level == proto::kPageTableLevels) {
    if (table.root_of >= 0) {
      visit(static_cast<uint32_t>(table.root_of), inspect::Rights{});
    }
    return;
  }
  for (const CachedTable::Parent& parent : table.parents) {
    const CachedTable& above = *tables_[parent.table];
    // At most three levels up; a std::function costs nothing next to what it is called for.
    const std::function<void(uint32_t, inspect::Rights)> pass = [&](uint32_t mm,
                                                                    inspect::Rights rights) {
      visit(mm, inspect::Below(rights, above.words[parent.index]));
    };
    ForEachOwner(above, pass);
  }
}

}  // namespace fv::oracle
