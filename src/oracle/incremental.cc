// SPDX-License-Identifier: Apache-2.0
//
// The order of a step matters: frame records first (everything asks for a frame's state), then
// objects and VMAs (the rules of an entry ask for both), then tables, then what sums up.
#include "src/oracle/incremental.h"

#include <algorithm>

#include "src/inspect/structures.h"
#include "src/oracle/full_checker.h"
#include "src/oracle/task_rules.h"

namespace fv::oracle {

using proto::SafepointKind;

IncrementalChecker::IncrementalChecker(const inspect::MemoryReader& memory,
                                       const inspect::ChannelView& channel, ContentBudget budget)
    : memory_(memory),
      channel_(channel),
      frames_(memory),
      objects_(memory, frames_),
      mms_(memory),
      tables_(memory, frames_, mms_.slots()),
      tasks_(memory),
      processes_(memory),
      content_(memory, frames_, budget),
      model_(mms_, tables_, frames_, content_),
      attribution_(frames_, content_),
      watched_(memory.frames()) {}

absl::Status IncrementalChecker::Step(const Input& input, Findings& findings) {
  const auto header = channel_.LiveHeader();
  if (!header.ok()) {
    return header.status();
  }
  DirtyBits dirty(input.dirty);
  frames_.Refresh(*header, dirty);
  for (const uint64_t pfn : frames_.restated()) {
    if (frames_.record(pfn).state != proto::FrameState::kFree) watched_.Watch(pfn);
  }
  dirty.List(watched_.open());
  tables_.Begin(header->zero_pfn, findings);
  objects_.Refresh(*header, dirty, findings);
  mms_.Refresh(*header, dirty, findings);
  UpdateTables(dirty);
  CheckChangedFrames(findings);
  mms_.Release();
  tasks_.Refresh(*header, dirty, mms_, findings);
  CheckAccounts(*header, findings);
  processes_.Refresh({*header, dirty, tasks_.tasks(), tasks_.cpus(), slabs_, tasks_.changed()},
                     findings);
  const auto gap = first_ ? ContentGuard::Gap::kUnknown : input.gap;
  content_.Step(dirty, gap, header->zero_pfn, findings);
  if (gap == ContentGuard::Gap::kNone) {
    TransitionChecker(mms_, tables_, tasks_, frames_, content_)
        .Check(input.kind, input.events, findings);
  }
  CheckLifecycle(*header, gap, input.events, findings);
  if (input.world != nullptr) {
    model_.Step(*input.world, gap, header->zero_pfn, findings);
    attribution_.Step(*input.world, model_.occupants(), dirty, gap, findings);
  }
  Watch(dirty);
  if (input.kind == SafepointKind::kBoot || first_) {
    baseline_ = Count();
  } else if (input.kind == SafepointKind::kFinal) {
    CheckFinal(baseline_, Count(), findings);
  }
  first_ = false;
  tables_.Locate(findings);
  NameTasks(tasks_.tasks(), findings.list());
  return absl::OkStatus();
}

bool IncrementalChecker::MayBeOpen(uint64_t pfn) const {
  return tables_.OfFrame(pfn) == nullptr &&
         (attribution_.Awaits(pfn) || frames_.record(pfn).state == proto::FrameState::kFree);
}

void IncrementalChecker::Watch(const DirtyBits& dirty) {
  const auto decide = [this](uint64_t pfn) {
    if (content_.SavedHash(pfn) != 0 || attribution_.HasHash(pfn)) {
      watched_.WatchHashed(pfn);
    } else if (MayBeOpen(pfn)) {
      watched_.Open(pfn);
    } else {
      watched_.Watch(pfn);
    }
  };
  for (const uint64_t pfn : dirty.frames()) {
    if (pfn < memory_.frames()) decide(pfn);
  }
  for (const uint64_t pfn : content_.newly_hashed()) decide(pfn);
  for (const uint64_t pfn : attribution_.settled()) decide(pfn);
  for (const uint64_t pfn : tables_.created()) decide(pfn);
}

void IncrementalChecker::UpdateTables(const DirtyBits& dirty) {
  for (const uint32_t mm : mms_.gone()) {
    tables_.UnlinkRoot(mm);
  }
  for (const uint32_t mm : mms_.moved()) {
    tables_.UnlinkRoot(mm);
  }
  tables_.Update(dirty);
  for (uint32_t mm = 0; mm < mms_.slots().size(); ++mm) {
    const auto& state = mms_.slots()[mm];
    const bool gone = std::find(mms_.gone().begin(), mms_.gone().end(), mm) != mms_.gone().end();
    if (state != nullptr && state->root < 0 && !gone) {
      tables_.LinkRoot(mm);
    }
  }
  for (const MmCache::Range& range : mms_.ranges()) {
    tables_.RecheckRange(range.mm, range.start, range.end);
  }
}

void IncrementalChecker::CheckChangedFrames(Findings& findings) {
  std::vector<uint64_t> suspects;
  for (const uint64_t pfn : frames_.changed()) {
    const proto::FrameRecord& record = frames_.record(pfn);
    const FrameSums& sums = frames_.sums(pfn);
    CheckFrame(pfn, record, sums, findings);
    if (frames_.StateChanged(pfn) && sums.maps > frames_.fresh(pfn)) {
      suspects.push_back(pfn);
    }
    if (const CachedTable* table = tables_.OfFrame(pfn)) {
      const int32_t owner = tables_.OwnerOf(*table);
      const uint32_t roots = table->root_of >= 0 ? 1 : 0;
      CheckTable(
          {pfn, table->level, static_cast<uint32_t>(table->parents.size()) + roots,
           table->shared_entries, table->writable_entries,
           owner < 0 ? 0 : mms_.slots()[owner]->mm.address, table->base, table->anon, table->file},
          record, findings);
    } else {
      CheckLostTable(pfn, record, findings);
    }
  }
  if (!suspects.empty()) {
    std::sort(suspects.begin(), suspects.end());
    tables_.RecheckFrames(suspects);
  }
}

void IncrementalChecker::CheckAccounts(const proto::ChannelHeader& header, Findings& findings) {
  CheckFrameTotals(header, frames_.counts(), findings);
  std::vector<inspect::Malformed> malformed;
  slabs_ = inspect::ReadSlabs(memory_, header, malformed);
  AddMalformed(malformed, findings);
  CheckSlabs(slabs_, frames_.counts(),
             {tasks_.allocated(), mms_.count(), mms_.vma_count(), objects_.count(),
              mms_.lineage_count(), tasks_.ids().pids.size(), tasks_.ids().spaces.size()},
             findings);
  uint64_t charged = objects_.charged();
  for (const auto& state : mms_.slots()) {
    charged += state != nullptr ? state->charged : 0;
  }
  CheckCommitted(header, charged, findings);
  for (const auto& state : mms_.slots()) {
    if (state != nullptr && (state->fresh || state->pages_changed)) {
      CheckMmPages(state->mm, state->pages, findings);
    }
  }
}

void IncrementalChecker::CheckLifecycle(const proto::ChannelHeader& header, ContentGuard::Gap gap,
                                        std::span<const proto::EventRecord> events,
                                        Findings& findings) {
  const Moment now{{header, tasks_.tasks(), tasks_.cpus(), slabs_, processes_.tables()},
                   tasks_.ids(),
                   mms_,
                   memory_};
  if (gap == ContentGuard::Gap::kNone) {
    lifecycle_.Check(now, events, findings);
  } else {
    lifecycle_.Forget();
  }
  lifecycle_.Remember(now);
}

Baseline IncrementalChecker::Count() const {
  const inspect::ProcessTables& held = processes_.tables();
  return {frames_.counts(),      tasks_.tasks().size(), tasks_.allocated(),
          mms_.count(),          mms_.vma_count(),      held.files.size(),
          held.fd_tables.size(), held.fs.size(),        ProcessObjects(slabs_)};
}

}  // namespace fv::oracle
