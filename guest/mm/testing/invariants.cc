// SPDX-License-Identifier: Apache-2.0
//
// The tests' own walk of everything: what the records say against what is found. Written against
// proto/ only, so that it does not agree with the kernel's bugs.
#include <map>
#include <sstream>

#include "guest/mm/spare_trees.h"
#include "guest/mm/testing/fake_machine.h"
#include "proto/pte.h"

namespace fv::guest::testing {
namespace {

using proto::FrameRecord;
using proto::FrameState;
using proto::kPageBytes;
using proto::Link;
using proto::Pte;

template <typename T>
T* At(uint64_t address) {
  return reinterpret_cast<T*>(address);
}
uint64_t* Page(uint64_t physical) { return At<uint64_t>(proto::kKernelBase + physical); }

// Calls visit(record) for a list of records whose Link has offset `offset`.
template <typename Record, typename Visit>
void ForEachOn(const Link& head, size_t offset, Visit visit) {
  for (uint64_t at = head.next; at != reinterpret_cast<uint64_t>(&head); at = At<Link>(at)->next) {
    visit(*At<Record>(at - offset));
  }
}

struct Found {
  uint64_t entries = 0;
  uint64_t writable = 0;
  uint64_t cow = 0;
  uint64_t objects = 0;
  uint64_t tables = 0;
};

class Walk {
 public:
  explicit Walk(const proto::ChannelHeader& channel)
      : channel_(channel), frames_(At<FrameRecord>(channel.frame_table)) {}

  std::string Run() {
    ForEachOn<proto::ObjectRecord>(
        *At<Link>(channel_.objects), offsetof(proto::ObjectRecord, objects),
        [&](proto::ObjectRecord& object) {
          uint64_t pages = 0;
          WalkObject(object.root, object.height, pages);
          Expect(pages == object.pages, "pages of an object");
          const bool by_size = object.accounting == proto::ObjectAccounting::kBySize;
          charged_ += by_size ? (object.bytes + kPageBytes - 1) / kPageBytes : object.pages;
        });
    ForEachOn<proto::MmRecord>(*At<Link>(channel_.mms), offsetof(proto::MmRecord, mms),
                               [&](proto::MmRecord& mm) { WalkMm(mm); });
    CheckFrames();
    Expect(charged_ == channel_.committed_pages, "committed_pages ", channel_.committed_pages,
           " found ", charged_);
    return problems_.str();
  }

 private:
  template <typename... Words>
  void Expect(bool holds, const Words&... words) {
    if (!holds) {
      (problems_ << ... << words) << "\n";
    }
  }

  void WalkObject(uint64_t entry, unsigned level, uint64_t& pages) {
    if (entry == 0) {
      return;
    }
    const uint64_t physical = entry & proto::kPteFrameMask;
    if (level == 0) {
      ++found_[physical >> 12].objects;
      ++pages;
      return;
    }
    for (unsigned i = 0; i < 512; ++i) {
      WalkObject(Page(physical)[i], level - 1, pages);
    }
  }

  void WalkMm(proto::MmRecord& mm) {
    std::map<uint64_t, const proto::VmaRecord*> vmas;  // by end
    uint64_t pages = 0;
    uint64_t locked = 0;
    uint64_t last = 0;
    ForEachOn<proto::VmaRecord>(
        mm.vmas, offsetof(proto::VmaRecord, list), [&](proto::VmaRecord& vma) {
          Expect(vma.magic == proto::kVmaMagic && vma.start >= last && vma.end > vma.start &&
                     vma.mm == reinterpret_cast<uint64_t>(&mm),
                 "a mapping out of order");
          last = vma.end;
          pages += (vma.end - vma.start) / kPageBytes;
          locked += (vma.flags & proto::kVmLocked) != 0 ? (vma.end - vma.start) / kPageBytes : 0;
          charged_ += (vma.flags & proto::kVmAccount) != 0 ? (vma.end - vma.start) / kPageBytes : 0;
          CheckMembership(vma);
          vmas[vma.end] = &vma;
        });
    Expect(pages == mm.total_pages, "total_pages ", mm.total_pages, " found ", pages);
    Expect(locked == mm.locked_pages, "locked_pages ", mm.locked_pages, " found ", locked);
    Expect(vmas.size() == mm.vma_count, "vma_count");
    uint64_t in_tree = 0;
    last = 0;
    WalkTree(mm.vma_root, 0, in_tree, last);
    Expect(in_tree == vmas.size(), "list and tree differ");
    uint64_t anon = 0;
    uint64_t file = 0;
    uint32_t tables = 1;
    uint32_t shared_tables = 0;
    ++found_[mm.root_gpa >> 12].tables;
    WalkTable(mm.root_gpa, 4, 0, [&](uint64_t va, Pte pte, unsigned level) {
      if (level > 1) {
        ++tables;
        const uint64_t parents = ++found_[(pte & proto::kPteFrameMask) >> 12].tables;
        if (level == 2) {
          shared_tables += CheckTableEntry(va, pte);
          first_visit_ = parents == 1;
        }
        return;
      }
      const auto vma = vmas.upper_bound(va);
      CheckPte(va, pte, vma != vmas.end() && vma->second->start <= va ? vma->second : nullptr, anon,
               file);
    });
    Expect(anon == mm.anon_pages, "anon_pages ", mm.anon_pages, " found ", anon);
    Expect(file == mm.file_pages, "file_pages ", mm.file_pages, " found ", file);
    Expect(tables == mm.table_frames, "table_frames ", mm.table_frames, " found ", tables);
    Expect(shared_tables == mm.shared_tables, "shared_tables ", mm.shared_tables, " found ",
           shared_tables);
  }

  // A mapping is on the list of its lineage and on that of its object.
  void CheckMembership(const proto::VmaRecord& vma) {
    bool found = vma.lineage == 0;
    if (vma.lineage != 0) {
      ForEachOn<proto::VmaRecord>(At<proto::LineageRecord>(vma.lineage)->members,
                                  offsetof(proto::VmaRecord, lineage_link),
                                  [&](proto::VmaRecord& member) { found |= &member == &vma; });
    }
    Expect(found, "a mapping that its lineage does not list");
    found = vma.object == 0;
    if (vma.object != 0) {
      ForEachOn<proto::VmaRecord>(At<proto::ObjectRecord>(vma.object)->mappings,
                                  offsetof(proto::VmaRecord, object_link),
                                  [&](proto::VmaRecord& member) { found |= &member == &vma; });
    }
    Expect(found, "a mapping that its object does not list");
  }

  uint64_t WalkTree(uint64_t node, uint64_t parent, uint64_t& count, uint64_t& last) {
    if (node == 0) {
      return 0;
    }
    const proto::VmaRecord& vma = *At<proto::VmaRecord>(node);
    Expect(vma.parent == parent, "a node's parent");
    const uint64_t left = WalkTree(vma.left, node, count, last);
    Expect(vma.start >= last, "the tree's order");
    last = vma.end;
    ++count;
    const uint64_t right = WalkTree(vma.right, node, count, last);
    Expect(left <= right + 1 && right <= left + 1, "the tree's balance");
    const uint64_t height = (left > right ? left : right) + 1;
    Expect(vma.balance == height, "a node's height");
    return height;
  }

  template <typename Visit>
  void WalkTable(uint64_t table, unsigned level, uint64_t base, Visit visit) {
    for (unsigned i = 0; i < (level == 4 ? proto::kKernelPml4Slot : 512); ++i) {
      const Pte pte = Page(table)[i];
      if ((pte & proto::kPtePresent) == 0) {
        Expect(pte == 0, "an entry that is neither present nor zero");
        continue;
      }
      const uint64_t va = base + i * proto::EntrySpan(level);
      visit(va, pte, level);
      if (level > 1) {
        WalkTable(pte & proto::kPteFrameMask, level - 1, va, visit);
      }
    }
  }

  // True if `pte`, which points to a page table, marks it as shared.
  bool CheckTableEntry(uint64_t va, Pte pte) {
    const FrameRecord& record = frames_[(pte & proto::kPteFrameMask) >> 12];
    below_shared_ = (pte & proto::kPteSharedTable) != 0;
    Expect(proto::TableLevel(record.aux) == 1, "the level of a page table at ", va);
    Expect(record.refs == 1 || below_shared_, "a shared table without its mark at ", va);
    Expect(below_shared_ != ((pte & proto::kPteWritable) != 0), "a shared table writable at ", va);
    Expect(below_shared_ || record.aux == proto::TableAux(1, 0, 0), "counts of an own table");
    return below_shared_;
  }

  void CheckPte(uint64_t va, Pte pte, const proto::VmaRecord* vma, uint64_t& anon, uint64_t& file) {
    const uint64_t pfn = (pte & proto::kPteFrameMask) >> 12;
    const FrameState state = frames_[pfn].state;
    const bool writable = (pte & proto::kPteWritable) != 0;
    anon += state == FrameState::kAnon;
    file += state == FrameState::kFile;
    Found& found = found_[pfn];
    found.entries += first_visit_;
    found.writable += first_visit_ && writable && !below_shared_;
    found.cow += first_visit_ && (pte & proto::kPteCow) != 0;
    Expect(!writable || (pte & (proto::kPteCow | proto::kPteZero)) == 0,
           "writable and copy-on-write");
    Expect((pfn == channel_.zero_pfn) == ((pte & proto::kPteZero) != 0), "the zero mark");
    Expect(state == FrameState::kAnon || state == FrameState::kFile || state == FrameState::kZero,
           "a frame that is no user's at ", va);
    Expect(vma != nullptr, "an entry without a mapping at ", va);
    if (vma == nullptr) {
      return;
    }
    const uint64_t index = vma->page_offset + ((va - vma->start) >> 12);
    const uint64_t holder = state == FrameState::kAnon ? vma->lineage : vma->object;
    Expect(state == FrameState::kZero ||
               (holder != 0 && frames_[pfn].aux == proto::OriginOf(holder, index)),
           "the origin of the frame at ", va);
    const uint64_t access = vma->flags & 7;
    Expect(access != 0 || (pte & proto::kPteUser) == 0, "an entry of a PROT_NONE mapping");
    Expect(access == 0 || (pte & proto::kPteUser) != 0, "an entry out of reach");
    Expect(!writable || (access & proto::kVmWrite) != 0, "writable, the mapping is not");
    Expect((pte & proto::kPteNoExecute) != 0 || (access & proto::kVmExec) != 0, "executable");
    const bool shared = (vma->flags & proto::kVmShared) != 0;
    Expect(!shared || state == FrameState::kFile, "a shared mapping of a private frame");
    Expect(shared || state != FrameState::kFile || (pte & proto::kPteCow) != 0,
           "a file's page in a private mapping without its mark");
  }

  void CheckFrames() {
    uint64_t free = channel_.frame_count - channel_.frame_high_water;
    for (uint64_t pfn = 0; pfn < channel_.frame_high_water; ++pfn) {
      const FrameRecord& record = frames_[pfn];
      const Found& found = found_[pfn];
      free += record.state == FrameState::kFree;
      Expect(record.state != FrameState::kFree || record.refs == 0, "a free frame with refs");
      if (record.state == FrameState::kAnon || record.state == FrameState::kFile) {
        Expect(record.refs == found.entries + found.objects + record.pins, "frame ", pfn, ": refs ",
               record.refs, ", entries ", found.entries, ", objects ", found.objects);
      }
      if (record.state == FrameState::kAnon && found.entries > 1) {
        Expect(found.writable == 0 && found.cow == found.entries, "frame ", pfn,
               " is shared and not copy-on-write everywhere");
      }
      if (record.state == FrameState::kPageTable) {
        Expect(record.refs == found.tables, "a page table's refs");
      }
    }
    Expect(free == channel_.free_frames, "free_frames ", channel_.free_frames, " found ", free);
  }

  const proto::ChannelHeader& channel_;
  const FrameRecord* frames_;
  std::map<uint64_t, Found> found_;
  uint64_t charged_ = 0;
  bool below_shared_ = false;  // of the page table being walked: its entry is marked shared
  bool first_visit_ = true;    // it was not met in another address space
  std::ostringstream problems_;
};

}  // namespace

std::string FakeMachine::CheckInvariants() const { return Walk(channel_).Run(); }

Usage FakeMachine::CurrentUsage() const {
  DropSpareTrees();
  Usage usage;
  const auto* frames = At<FrameRecord>(channel_.frame_table);
  for (uint64_t pfn = 0; pfn < channel_.frame_high_water; ++pfn) {
    const FrameState state = frames[pfn].state;
    if (state != FrameState::kFree && state != FrameState::kSlab) {
      ++usage.frames[static_cast<size_t>(state)];
    }
  }
  ForEachOn<proto::SlabCacheRecord>(
      *At<Link>(channel_.slab_caches), offsetof(proto::SlabCacheRecord, caches),
      [&](proto::SlabCacheRecord& cache) { usage.objects[cache.name] = cache.active_objects; });
  return usage;
}

std::string ToString(const Usage& usage) {
  std::ostringstream text;
  for (size_t state = 0; state < usage.frames.size(); ++state) {
    text << "state " << state << ": " << usage.frames[state] << "\n";
  }
  for (const auto& [name, objects] : usage.objects) {
    text << name << ": " << objects << "\n";
  }
  return text.str();
}

}  // namespace fv::guest::testing
