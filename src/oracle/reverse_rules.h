// SPDX-License-Identifier: Apache-2.0
//
// I14, the lists: each lineage and each object lists exactly the VMAs that name it. Together with
// the origin that CheckPte demands of every mapped frame this proves that the kernel's walk from a
// frame over its holder's VMAs reaches every entry that the page tables have for it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/oracle/finding.h"

namespace fv::oracle {

// How many VMAs name each holder, kept up to date by differences.
class Mappers {
 public:
  void Add(const std::vector<inspect::Vma>& vmas) { Count(vmas, 1); }
  void Remove(const std::vector<inspect::Vma>& vmas) { Count(vmas, ~uint64_t{0}); }

  // Walks the lists of the holders that Add and Remove met since the last call.
  void Check(const inspect::MemoryReader& memory, Findings& findings);

  // Lineages that some VMA names.
  uint64_t lineages() const;

 private:
  enum class Kind : uint8_t { kLineage, kObject };
  struct Holder {
    Kind kind;
    proto::GuestPtr address;
    auto operator<=>(const Holder&) const = default;
  };

  void Count(const std::vector<inspect::Vma>& vmas, uint64_t by);
  static void CheckList(const inspect::MemoryReader& memory, const Holder& holder,
                        uint64_t expected, Findings& findings);

  std::map<Holder, uint64_t> counts_;
  std::set<Holder> due_;
};

}  // namespace fv::oracle
