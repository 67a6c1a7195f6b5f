// SPDX-License-Identifier: Apache-2.0
#include "src/recording/frame_mirror.h"

#include <algorithm>
#include <string_view>

#include "src/recording/printable.h"

namespace fv::recording {

using proto::FrameRecord;
using proto::FrameState;

namespace {

// By the guest kernel's names. A wrong one costs time, and loses nothing (StateDiffer::open).
constexpr std::string_view kCachesOfRecords[] = {"task_struct", "mm", "vma"};

}  // namespace

uint32_t FrameMirror::CacheId(proto::GuestPtr cache, schema::Change& change) {
  const auto at = caches_.find(cache);
  if (at != caches_.end()) return at->second.id;
  proto::SlabCacheRecord record;
  if (!memory_.ReadPtr(cache, record) || record.magic != proto::kSlabMagic) return 0;
  const auto id = static_cast<uint32_t>(caches_.size() + 1);
  schema::SlabCache& told = *change.add_slab_caches();
  told.set_id(id);
  told.set_name(Printable(record.name));
  const bool holds_records = std::ranges::count(kCachesOfRecords, told.name()) != 0;
  caches_.emplace(cache, Cache{id, holds_records});
  return id;
}

FrameMirror::Told FrameMirror::TellOf(const FrameRecord& record, schema::Change& change) {
  return {static_cast<uint8_t>(record.state), record.pins,
          record.state == FrameState::kSlab ? CacheId(record.aux, change) : 0};
}

bool FrameMirror::HoldsNoRecords(uint64_t frame) const {
  switch (cache_.record(frame).state) {
    case FrameState::kFree:
    case FrameState::kAnon:
    case FrameState::kFile:
    case FrameState::kZero:
    case FrameState::kKernelStack:
    case FrameState::kKernel:
      return true;
    case FrameState::kSlab: {
      const auto cache = caches_.find(cache_.record(frame).aux);
      return cache != caches_.end() && !cache->second.holds_records;
    }
    default:
      return false;
  }
}

void FrameMirror::Update(const proto::ChannelHeader& header, const oracle::DirtyBits& dirty,
                         schema::Change& change) {
  cache_.Refresh(header, dirty);
  changed_ = cache_.changed();
  std::sort(changed_.begin(), changed_.end());
  schema::FrameRun* run = nullptr;
  Told of_run{};
  uint64_t end = 0;  // of the run
  for (const uint64_t frame : changed_) {
    const Told now = TellOf(cache_.record(frame), change);
    if (now == told_[frame]) continue;
    told_[frame] = now;
    if (run != nullptr && frame == end && now == of_run) {
      run->set_count(static_cast<uint32_t>(++end - run->first()));
      continue;
    }
    run = change.add_frames();
    run->set_first(static_cast<uint32_t>(frame));
    run->set_state(now.state);
    run->set_pins(now.pins);
    run->set_slab_cache(now.slab_cache);
    of_run = now;
    end = frame + 1;
  }
}

}  // namespace fv::recording
