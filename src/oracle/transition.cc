// SPDX-License-Identifier: Apache-2.0
//
// A rule here is applied only where its premises are certain; where another operation may lie in
// between (a context switch, a signal frame), it is silent.
#include "src/oracle/transition.h"

#include <linux/sched.h>

#include <algorithm>
#include <map>
#include <string>

#include "src/inspect/list_walk.h"
#include "src/inspect/table_reader.h"
#include "src/oracle/flush_rules.h"
#include "src/oracle/vma_rules.h"

namespace fv::oracle {

using inspect::Hex;
using inspect::PfnOf;
using inspect::Present;
using proto::EventKind;
using proto::EventRecord;
using proto::FrameState;
using proto::Pte;

namespace {

uint64_t PageOf(uint64_t address) { return address & ~(proto::kPageBytes - 1); }

}  // namespace

uint64_t TransitionChecker::RequiredEvents() {
  return proto::EventBit(EventKind::kForkBegin) | proto::EventBit(EventKind::kForkEnd) |
         proto::EventBit(EventKind::kCowBreak) | proto::EventBit(EventKind::kCowReuse) |
         proto::EventBit(EventKind::kFault) | proto::EventBit(EventKind::kSwitch) |
         proto::EventBit(EventKind::kSignal) | FlushEvents();
}

int32_t TransitionChecker::MmOfPid(uint32_t pid) const {
  const inspect::Task* task = tasks_.FindPid(pid);
  return task == nullptr || task->record.mm == 0 ? -1 : mms_.Find(task->record.mm);
}

void TransitionChecker::Check(proto::SafepointKind kind, std::span<const EventRecord> events,
                              Findings& findings) const {
  CheckFlushes(mms_, events, findings);
  CheckReuse(events, findings);
  if (kind == proto::SafepointKind::kFault) {
    CheckBreak(events, findings);
  }
  CheckFork(events, findings);
}

// A frame that was pinned before and still is belongs to whoever pinned it as well (vmsplice(2),
// the way of CVE-2020-29374).
void TransitionChecker::CheckReuse(std::span<const EventRecord> events, Findings& findings) const {
  for (const EventRecord& event : events) {
    const uint64_t pfn = event.b;
    if (event.kind != EventKind::kCowReuse || pfn >= frames_.size() ||
        frames_.record(pfn).pins == 0 || frames_.PinsChanged(pfn)) {
      continue;
    }
    const int32_t mm = MmOfPid(event.pid);
    Finding& finding =
        findings.Add(Rule::kPinnedReused, "the frame was made writable in place, and it has " +
                                              std::to_string(frames_.record(pfn).pins) + " pins");
    finding.mm = mm < 0 ? 0 : mms_.slots()[mm]->mm.address;
    finding.address = PageOf(event.a);
    finding.pfn = pfn;
    finding.frame = frames_.record(pfn);
  }
}

// A user's own write fault broke copy-on-write: nothing but the copy was done to the new frame yet.
void TransitionChecker::CheckBreak(std::span<const EventRecord> events, Findings& findings) const {
  const EventRecord* broken = nullptr;
  bool by_user = false;
  for (const EventRecord& event : events) {
    switch (event.kind) {
      case EventKind::kCowBreak:
        if (broken != nullptr) {
          return;  // two breaks: the kernel wrote as well
        }
        broken = &event;
        break;
      case EventKind::kFault:
        if (event.e == 0) {
          return;  // the kernel's own access
        }
        by_user = true;
        break;
      case EventKind::kSignal:
      case EventKind::kSwitch:
        if (broken != nullptr) {
          return;  // somebody may have written since
        }
        break;
      default:
        break;
    }
  }
  const int32_t mm = broken == nullptr || !by_user ? -1 : MmOfPid(broken->pid);
  if (mm < 0 || broken->b >= frames_.size() || broken->c >= frames_.size()) {
    return;
  }
  const uint64_t from = broken->b;
  const uint64_t to = broken->c;
  const FrameState state = frames_.record(from).state;
  const bool alive =
      state == FrameState::kAnon || state == FrameState::kFile || state == FrameState::kZero;
  // The source must still be what it was: whoever shares it may not write it.
  if (from == to || !alive || frames_.StateChanged(from) || frames_.sums(from).writable != 0 ||
      frames_.record(to).state != FrameState::kAnon || frames_.sums(to).maps != 1) {
    return;
  }
  if (const unsigned words = content_.DifferentWords(from, to); words != 0) {
    Finding& finding =
        findings.Add(Rule::kBreakContent, "the page was copied from frame " + Hex(from) +
                                              " to frame " + Hex(to) + ", and they differ in " +
                                              std::to_string(words) + " of 512 words");
    finding.mm = mms_.slots()[mm]->mm.address;
    finding.address = PageOf(broken->a);
    finding.pfn = to;
    finding.frame = frames_.record(to);
  }
}

void TransitionChecker::CheckFork(std::span<const EventRecord> events, Findings& findings) const {
  const EventRecord* begin = nullptr;
  const EventRecord* end = nullptr;
  for (const EventRecord& event : events) {
    if (event.kind == EventKind::kForkBegin) {
      begin = &event;
    } else if (event.kind == EventKind::kForkEnd) {
      end = &event;
    } else if (event.kind == EventKind::kSwitch && end != nullptr) {
      return;  // somebody may have run since
    }
  }
  if (begin == nullptr || end == nullptr || end->sequence < begin->sequence || end->e != 0 ||
      (begin->a & CLONE_VM) != 0 || begin->pid != end->pid) {
    return;
  }
  CompareFork(*end, begin->a, findings);
}

void TransitionChecker::CompareFork(const EventRecord& end, uint64_t clone_flags,
                                    Findings& findings) const {
  const int32_t parent = MmOfPid(end.pid);
  const int32_t child = MmOfPid(static_cast<uint32_t>(end.a));
  if (parent < 0 || child < 0 || parent == child) {
    return;
  }
  CheckForkVmas(mms_.slots()[parent]->mm, mms_.slots()[child]->mm, findings);
  ComparePages(static_cast<uint32_t>(parent), static_cast<uint32_t>(child), clone_flags, findings);
}

void TransitionChecker::ComparePages(uint32_t parent, uint32_t child, uint64_t clone_flags,
                                     Findings& findings) const {
  // The kernel may have stored the child's tid in either of them by now, or a pidfd in the parent.
  // At an address that is not aligned it lies in two words.
  constexpr unsigned kWordsOfStore = 2;
  const unsigned stores = ((clone_flags & CLONE_CHILD_SETTID) != 0 ? 1u : 0u) +
                          ((clone_flags & CLONE_PARENT_SETTID) != 0 ? 1u : 0u) +
                          ((clone_flags & CLONE_PIDFD) != 0 ? 1u : 0u);
  const unsigned allowed = stores * kWordsOfStore;
  std::map<uint64_t, std::pair<const CachedTable*, const CachedTable*>> leaves;
  tables_.ForEachLeaf(parent, [&](const CachedTable& table) { leaves[table.base].first = &table; });
  tables_.ForEachLeaf(child, [&](const CachedTable& table) { leaves[table.base].second = &table; });
  for (const auto& [base, pair] : leaves) {
    if (pair.first != pair.second) {
      CompareTable(child, pair.first, pair.second, allowed, findings);
    }
  }
}

// A page that only one of them has: the kernel's store of a tid or pidfd after the copy made it.
// The other reads the same but for the words stored: zeros, or what the file holds (I4's business).
bool TransitionChecker::MadeByStore(const proto::VmaRecord& vma, uint64_t pfn,
                                    unsigned words_allowed) const {
  return words_allowed > 0 && (vma.object != 0 || content_.NonZeroWords(pfn) <= words_allowed);
}

void TransitionChecker::CompareTable(uint32_t child, const CachedTable* from, const CachedTable* to,
                                     unsigned words_allowed, Findings& findings) const {
  const inspect::Mm& mm = mms_.slots()[child]->mm;
  const uint64_t base = from != nullptr ? from->base : to->base;
  auto add = [&](uint64_t address, Pte pte, std::string sentence) {
    Finding& finding = findings.Add(Rule::kForkContent, std::move(sentence));
    finding.mm = mm.address;
    finding.address = address;
    finding.pte = pte;
    if (Present(pte) && PfnOf(pte) < frames_.size()) {
      finding.pfn = PfnOf(pte);
      finding.frame = frames_.record(PfnOf(pte));
    }
  };
  const proto::VmaRecord* vma = nullptr;
  for (unsigned i = 0; i < proto::kEntriesPerTable; ++i) {
    const Pte before = from != nullptr ? from->words[i] : 0;
    const Pte after = to != nullptr ? to->words[i] : 0;
    if (!Present(before) && !Present(after)) {
      continue;
    }
    const uint64_t address = base + i * proto::kPageBytes;
    if (vma == nullptr || address < vma->start || address >= vma->end) {
      vma = FindVma(mm.vmas, address);
    }
    const bool in_ram = PfnOf(before) < frames_.size() && PfnOf(after) < frames_.size();
    if (vma == nullptr || !in_ram || (vma->flags & proto::kVmShared) != 0) {
      continue;  // not copied, or I3's, I5's and I4's business
    }
    const bool anon_before =
        Present(before) && frames_.record(PfnOf(before)).state == FrameState::kAnon;
    const bool anon_after =
        Present(after) && frames_.record(PfnOf(after)).state == FrameState::kAnon;
    if ((vma->flags & proto::kVmWipeOnFork) != 0) {
      if (anon_after) {
        add(address, after, "the range is to be wiped on fork, but the child has a page there");
      }
    } else if (anon_before && !Present(after)) {
      if (MadeByStore(*vma, PfnOf(before), words_allowed)) {
        continue;
      }
      add(address, after, "the parent has a private page here, the child has none");
    } else if (anon_after && !Present(before)) {
      if (MadeByStore(*vma, PfnOf(after), words_allowed)) {
        continue;
      }
      add(address, after, "the child has a private page here, the parent has none");
    } else if ((anon_before || anon_after) && PfnOf(before) != PfnOf(after) &&
               content_.DifferentWords(PfnOf(before), PfnOf(after)) > words_allowed) {
      add(address, after,
          "the child's page differs from the parent's, which is frame " + Hex(PfnOf(before)));
    }
  }
}

}  // namespace fv::oracle
