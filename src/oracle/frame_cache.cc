// SPDX-License-Identifier: Apache-2.0
//
// See the header. Records above the high-water mark count as zero, whatever memory says.
#include "src/oracle/frame_cache.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "src/inspect/snapshot_reader.h"

namespace fv::oracle {

using proto::FrameRecord;

FrameCache::FrameCache(const inspect::MemoryReader& memory)
    : memory_(memory), records_(memory.frames()), sums_(memory.frames()), steps_(memory.frames()) {}

void FrameCache::Refresh(const proto::ChannelHeader& header, const DirtyBits& dirty) {
  ++step_;
  changed_.clear();
  restated_.clear();
  pinned_.clear();
  const uint64_t table_was = table_gpa_;
  table_gpa_ = proto::PhysOfDirectMap(header.frame_table);
  const uint64_t used = inspect::UsedFrames(header);
  const uint64_t was = used_;
  used_ = used;
  // Frames that crossed the high-water mark either way.
  counts_[0] += used > was ? used - was : 0;
  if (used < was) {
    for (uint64_t pfn = used; pfn < was; ++pfn) {
      Store(pfn, FrameRecord{});
    }
    counts_[0] -= was - used;
  } else {
    ReadRange(table_gpa_, was, used);
  }
  if (table_was != table_gpa_) {  // the first step; never again on a healthy guest
    ReadRange(table_gpa_, 0, std::min(was, used));
    return;
  }
  constexpr uint64_t kPerPage = proto::kPageBytes / sizeof(FrameRecord);
  const uint64_t known = std::min(was, used);
  const uint64_t head = (table_gpa_ & (proto::kPageBytes - 1)) / sizeof(FrameRecord);
  for (uint64_t begin = 0; begin < known;) {
    const uint64_t end = std::min(known, begin + kPerPage - (begin + head) % kPerPage);
    if (dirty.Frame((table_gpa_ + begin * sizeof(FrameRecord)) >> proto::kPageShift)) {
      ReadRange(table_gpa_, begin, end);
    }
    begin = end;
  }
}

static_assert(offsetof(FrameRecord, refs) == 0 && sizeof(FrameRecord::refs) == 4,
              "the low half of a record's first word");

void FrameCache::ReadRange(uint64_t table_gpa, uint64_t begin, uint64_t end) {
  // The pages of the table are written again and again, most of their records hardly ever.
  constexpr uint64_t kBlock = 32;
  for (uint64_t pfn = begin; pfn < end; ++pfn) {
    const uint64_t at = table_gpa + pfn * sizeof(FrameRecord);
    if (end - pfn >= kBlock && memory_.Same(at, &records_[pfn], kBlock * sizeof(FrameRecord))) {
      pfn += kBlock - 1;
      continue;
    }
    const uint64_t words[2] = {memory_.Word(at), memory_.Word(at + 8)};
    uint64_t known[2];
    std::memcpy(known, &records_[pfn], sizeof(known));
    if (known[0] == words[0] && known[1] == words[1]) {
      continue;
    }
    if (known[0] >> 32 == words[0] >> 32 && known[1] == words[1]) {  // what a fork does to all
      records_[pfn].refs = static_cast<uint32_t>(words[0]);
      Mark(pfn);
      continue;
    }
    FrameRecord record;
    std::memcpy(&record, words, sizeof(record));
    Store(pfn, record);
  }
}

void FrameCache::Store(uint64_t pfn, const FrameRecord& record) {
  const FrameRecord& old = records_[pfn];
  const unsigned was = static_cast<unsigned>(old.state);
  const unsigned is = static_cast<unsigned>(record.state);
  if (was < kFrameStates) {
    --counts_[was];
  }
  if (is < kFrameStates) {
    ++counts_[is];
  }
  if (was != is || old.aux != record.aux) {
    MarkState(pfn);
    restated_.push_back(pfn);
  } else {
    Mark(pfn);
  }
  if (old.pins != record.pins) {
    pinned_.push_back(pfn);
  }
  records_[pfn] = record;
}

}  // namespace fv::oracle
