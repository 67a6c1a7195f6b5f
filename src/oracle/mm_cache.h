// SPDX-License-Identifier: Apache-2.0
//
// The list of address spaces and their VMAs, as last read. Reads again only what lies in written
// frames; tells the table cache which address spaces came and went and which ranges changed rights.
#pragma once

#include <cstdint>
#include <vector>

#include "src/inspect/memory_reader.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/finding.h"
#include "src/oracle/mm_state.h"
#include "src/oracle/reverse_rules.h"

namespace fv::oracle {

class MmCache {
 public:
  // kRead: only keeps up with the records; rules are not checked, and lineages not counted.
  enum class Purpose { kJudge, kRead };
  explicit MmCache(const inspect::MemoryReader& memory, Purpose purpose = Purpose::kJudge)
      : memory_(memory), purpose_(purpose) {}

  // A range of an address space whose VMAs changed in what entries may do.
  struct Range {
    uint32_t mm;
    uint64_t start;
    uint64_t end;
  };

  // Brings the records up to date. Afterwards gone() have left the list (their slots are still
  // there; Release frees them), fresh ones are new, and ranges() have to be checked again.
  void Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty, Findings& findings);
  void Release();

  MmSlots& slots() { return slots_; }
  const MmSlots& slots() const { return slots_; }
  const std::vector<uint32_t>& gone() const { return gone_; }
  const std::vector<Range>& ranges() const { return ranges_; }
  // Address spaces whose page-table root moved; none on a healthy guest.
  const std::vector<uint32_t>& moved() const { return moved_; }
  // Users or membership changed, so the task rules are due.
  bool users_changed() const { return users_changed_; }

  // Slot of the address space at `address`, or -1.
  int32_t Find(proto::GuestPtr address) const;
  uint64_t count() const { return order_.size(); }
  uint64_t vma_count() const;
  uint64_t lineage_count() const { return mappers_.lineages(); }

 private:
  void Relist(const proto::ChannelHeader& header, Findings& findings);
  void RefreshVmas(uint32_t slot, Findings& findings);
  bool VmasTouched(const MmState& state, const DirtyBits& dirty) const;
  void AddChangedRanges(uint32_t slot, const std::vector<inspect::Vma>& before,
                        const std::vector<inspect::Vma>& after);

  inspect::MemoryReader memory_;
  Purpose purpose_;
  MmSlots slots_;
  Mappers mappers_;
  std::vector<uint32_t> order_;  // slots in list order
  std::vector<uint32_t> gone_;
  std::vector<uint32_t> moved_;
  std::vector<Range> ranges_;
  proto::Link head_{1, 1};  // as last read; never valid, so the first step lists all
  bool users_changed_ = false;
  bool broken_ = true;  // the last walk met something malformed
};

}  // namespace fv::oracle
