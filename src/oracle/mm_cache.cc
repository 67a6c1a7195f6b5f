// SPDX-License-Identifier: Apache-2.0
//
// See the header.
#include "src/oracle/mm_cache.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <unordered_map>

#include "src/inspect/structures.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/vma_rules.h"

namespace fv::oracle {

using inspect::Mm;
using inspect::Vma;
using proto::Link;
using proto::MmRecord;
using proto::VmaRecord;

namespace {

bool SameLink(const Link& a, const Link& b) { return a.next == b.next && a.prev == b.prev; }

// The fields that I10 is about, other than the VMAs themselves.
bool SameVmaFields(const MmRecord& a, const MmRecord& b) {
  return SameLink(a.vmas, b.vmas) && a.vma_root == b.vma_root && a.vma_count == b.vma_count &&
         a.total_pages == b.total_pages && a.locked_pages == b.locked_pages;
}

bool SamePageFields(const MmRecord& a, const MmRecord& b) {
  return a.anon_pages == b.anon_pages && a.file_pages == b.file_pages &&
         a.table_frames == b.table_frames;
}

// What an entry's rules ask of the VMA that covers it.
struct Cover {
  uint64_t flags = 0;
  uint64_t object = 0;
  uint64_t object_origin = 0;  // page index of address 0 in the object or the lineage
  uint64_t lineage = 0;
  uint64_t misalignment = 0;  // of a damaged VMA
  bool any = false;
  bool operator==(const Cover&) const = default;
};

Cover CoverOf(const Vma& vma) {
  constexpr uint64_t kTelling =
      proto::kVmRead | proto::kVmWrite | proto::kVmExec | proto::kVmShared;
  return {vma.record.flags & kTelling,
          vma.record.object,
          vma.record.page_offset - (vma.record.start >> proto::kPageShift),
          vma.record.lineage,
          vma.record.start % proto::kPageBytes,
          true};
}

bool Sorted(const std::vector<Vma>& vmas) {
  uint64_t end = 0;
  for (const Vma& vma : vmas) {
    if (vma.record.start < end || vma.record.end <= vma.record.start) {
      return false;
    }
    end = vma.record.end;
  }
  return true;
}

// Steps through sorted VMAs as a function of the address.
class Sweep {
 public:
  explicit Sweep(const std::vector<Vma>& vmas) : vmas_(vmas) {}
  // The cover at `address`, and where the next change may be. Addresses only grow.
  Cover At(uint64_t address, uint64_t& next) {
    while (at_ < vmas_.size() && vmas_[at_].record.end <= address) {
      ++at_;
    }
    if (at_ == vmas_.size()) {
      return {};
    }
    const VmaRecord& vma = vmas_[at_].record;
    if (vma.start > address) {
      next = std::min(next, vma.start);
      return {};
    }
    next = std::min(next, vma.end);
    return CoverOf(vmas_[at_]);
  }

 private:
  const std::vector<Vma>& vmas_;
  size_t at_ = 0;
};

}  // namespace

int32_t MmCache::Find(proto::GuestPtr address) const {
  for (const uint32_t slot : order_) {
    if (slots_[slot]->mm.address == address) {
      return static_cast<int32_t>(slot);
    }
  }
  return -1;
}

uint64_t MmCache::vma_count() const {
  uint64_t count = 0;
  for (const uint32_t slot : order_) {
    count += slots_[slot]->mm.vmas.size();
  }
  return count;
}

void MmCache::AddChangedRanges(uint32_t slot, const std::vector<Vma>& before,
                               const std::vector<Vma>& after) {
  if (!Sorted(before) || !Sorted(after)) {
    ranges_.push_back({slot, 0, proto::kUserEnd});  // a damaged list: everything again
    return;
  }
  Sweep old_sweep(before);
  Sweep new_sweep(after);
  for (uint64_t at = 0; at < proto::kUserEnd;) {
    uint64_t next = proto::kUserEnd;
    const Cover was = old_sweep.At(at, next);
    const Cover is = new_sweep.At(at, next);
    if (!(was == is)) {
      ranges_.push_back({slot, at, next});
    }
    at = next;
  }
}

void MmCache::RefreshVmas(uint32_t slot, Findings& findings) {
  MmState& state = *slots_[slot];
  std::vector<Vma> before = std::move(state.mm.vmas);
  std::vector<inspect::Malformed> malformed;
  inspect::ReadVmas(memory_, state.mm, malformed);
  AddMalformed(malformed, findings);
  state.broken = !malformed.empty();
  state.read = true;
  if (purpose_ == Purpose::kJudge) {
    CheckVmas(state.mm, findings);
    mappers_.Remove(before);
    mappers_.Add(state.mm.vmas);
    state.charged = ChargedPages(state.mm);
    if (!state.fresh) {
      AddChangedRanges(slot, before, state.mm.vmas);
    }
  }
  state.frames.clear();
  for (const Vma& vma : state.mm.vmas) {
    const uint64_t gpa = proto::PhysOfDirectMap(vma.address);
    state.frames.push_back(gpa >> proto::kPageShift);
    state.frames.push_back((gpa + sizeof(VmaRecord) - 1) >> proto::kPageShift);
  }
  std::sort(state.frames.begin(), state.frames.end());
  state.frames.erase(std::unique(state.frames.begin(), state.frames.end()), state.frames.end());
}

bool MmCache::VmasTouched(const MmState& state, const DirtyBits& dirty) const {
  const bool near = std::any_of(state.frames.begin(), state.frames.end(),
                                [&](uint64_t pfn) { return dirty.Frame(pfn); });
  return near && std::any_of(state.mm.vmas.begin(), state.mm.vmas.end(), [&](const Vma& vma) {
           VmaRecord now;
           return !memory_.ReadPtr(vma.address, now) ||
                  std::memcmp(&now, &vma.record, sizeof(now)) != 0;
         });
}

void MmCache::Relist(const proto::ChannelHeader& header, Findings& findings) {
  std::vector<inspect::Malformed> malformed;
  std::vector<Mm> listed = inspect::ReadMms(memory_, header, malformed);
  AddMalformed(malformed, findings);
  broken_ = !malformed.empty();
  std::unordered_map<proto::GuestPtr, uint32_t> known;
  for (const uint32_t slot : order_) {
    known.emplace(slots_[slot]->mm.address, slot);
  }
  order_.clear();
  for (Mm& mm : listed) {
    const auto at = known.find(mm.address);
    if (at != known.end()) {
      order_.push_back(at->second);
      known.erase(at);
      continue;
    }
    uint32_t slot = 0;
    while (slot < slots_.size() && slots_[slot] != nullptr) {
      ++slot;
    }
    if (slot == slots_.size()) {
      slots_.emplace_back();
    }
    slots_[slot] = std::make_unique<MmState>();
    slots_[slot]->mm = std::move(mm);
    slots_[slot]->flush_before = slots_[slot]->mm.record.flush_generation;
    order_.push_back(slot);
  }
  for (const auto& [address, slot] : known) {
    if (purpose_ == Purpose::kJudge) mappers_.Remove(slots_[slot]->mm.vmas);
    gone_.push_back(slot);
  }
  users_changed_ = true;
}

void MmCache::Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty,
                      Findings& findings) {
  gone_.clear();
  moved_.clear();
  ranges_.clear();
  users_changed_ = false;
  Link head{};
  memory_.ReadPtr(header.mms, head);
  bool relist = broken_ || !SameLink(head, head_);
  head_ = head;
  std::vector<uint32_t> stale;  // whose VMAs have to be read again
  for (const uint32_t slot : order_) {
    MmState& state = *slots_[slot];
    state.fresh = false;
    state.read = false;
    state.pages_changed = false;
    state.reductions.clear();
    state.tables_replaced = false;
    state.flush_before = state.mm.record.flush_generation;
    bool vmas_stale = state.broken || VmasTouched(state, dirty);
    if (dirty.Record(state.mm.address, sizeof(MmRecord))) {
      MmRecord now;
      if (!memory_.ReadPtr(state.mm.address, now) || now.magic != proto::kMmMagic) {
        relist = true;
        continue;
      }
      const MmRecord& was = state.mm.record;
      relist |= !SameLink(now.mms, was.mms);
      vmas_stale |= !SameVmaFields(now, was);
      users_changed_ |= now.users != was.users;
      state.pages_changed |= !SamePageFields(now, was);
      if (now.root_gpa != was.root_gpa) {
        moved_.push_back(slot);
      }
      state.read |= std::memcmp(&now, &was, sizeof(now)) != 0;
      state.mm.record = now;
    }
    if (vmas_stale) {
      stale.push_back(slot);
    }
  }
  if (relist) {
    Relist(header, findings);
  }
  for (const uint32_t slot : order_) {
    if (slots_[slot]->fresh || std::find(stale.begin(), stale.end(), slot) != stale.end()) {
      RefreshVmas(slot, findings);
    }
  }
  if (purpose_ == Purpose::kJudge) mappers_.Check(memory_, findings);
}

void MmCache::Release() {
  for (const uint32_t slot : gone_) {
    slots_[slot].reset();
  }
  gone_.clear();
}

}  // namespace fv::oracle
