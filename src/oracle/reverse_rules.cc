// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/reverse_rules.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/render.h"

namespace fv::oracle {

using inspect::Hex;
using proto::VmaRecord;

void Mappers::Count(const std::vector<inspect::Vma>& vmas, uint64_t by) {
  for (const inspect::Vma& vma : vmas) {
    for (const Holder& holder :
         {Holder{Kind::kLineage, vma.record.lineage}, Holder{Kind::kObject, vma.record.object}}) {
      if (holder.address != 0) {
        counts_[holder] += by;
        due_.insert(holder);
      }
    }
  }
}

uint64_t Mappers::lineages() const {
  return static_cast<uint64_t>(std::count_if(counts_.begin(), counts_.end(), [](const auto& entry) {
    return entry.first.kind == Kind::kLineage && entry.second != 0;
  }));
}

void Mappers::Check(const inspect::MemoryReader& memory, Findings& findings) {
  for (const Holder& holder : due_) {
    const auto at = counts_.find(holder);
    if (at->second == 0) {
      counts_.erase(at);  // nobody names it: it may be gone
    } else {
      CheckList(memory, holder, at->second, findings);
    }
  }
  due_.clear();
}

void Mappers::CheckList(const inspect::MemoryReader& memory, const Holder& holder,
                        uint64_t expected, Findings& findings) {
  const bool is_lineage = holder.kind == Kind::kLineage;
  const std::string name = (is_lineage ? "lineage " : "object ") + Hex(holder.address);
  const auto add = [&](const std::string& sentence) {
    findings.Add(Rule::kMappers, name + sentence).address = holder.address;
  };
  uint64_t listed = 0;
  const auto visit = [&](proto::GuestPtr address) {
    VmaRecord vma;
    ++listed;
    if (!memory.ReadPtr(address, vma) || vma.magic != proto::kVmaMagic) {
      add(" lists " + Hex(address) + ", which is no VMA");
    } else if ((is_lineage ? vma.lineage : vma.object) != holder.address) {
      add(" lists VMA " + inspect::VmaText(vma) + ", which does not name it");
    }
  };
  const uint64_t head = is_lineage ? offsetof(proto::LineageRecord, members)
                                   : offsetof(proto::ObjectRecord, mappings);
  const uint64_t link =
      is_lineage ? offsetof(VmaRecord, lineage_link) : offsetof(VmaRecord, object_link);
  const uint64_t limit = memory.ram_bytes() / sizeof(VmaRecord);
  if (auto broken = inspect::WalkList(memory, holder.address + head, link, limit, visit)) {
    add(": " + broken->sentence);
    return;
  }
  if (listed != expected) {
    add(" lists " + std::to_string(listed) + " VMAs, " + std::to_string(expected) + " name it");
  }
  proto::LineageRecord record;
  if (is_lineage && memory.ReadPtr(holder.address, record) && record.count != expected) {
    add(" counts " + std::to_string(record.count) + " VMAs, " + std::to_string(expected) +
        " name it");
  }
}

}  // namespace fv::oracle
