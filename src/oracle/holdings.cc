// SPDX-License-Identifier: Apache-2.0
//
// See holdings.h.
#include "src/oracle/holdings.h"

#include <cstddef>
#include <cstring>
#include <vector>

#include "src/inspect/render.h"
#include "src/inspect/snapshot_reader.h"
#include "src/inspect/structures.h"

namespace fv::oracle {
namespace {

using proto::FrameState;

StateCounts CountFrames(const inspect::MemoryReader& memory, const proto::ChannelHeader& header) {
  StateCounts counts{};
  const uint64_t used = inspect::UsedFrames(header);
  for (uint64_t pfn = 0; pfn < used; ++pfn) {
    proto::FrameRecord frame;
    if (!memory.ReadPtr(header.frame_table + pfn * sizeof(frame), frame)) break;
    const auto state = static_cast<unsigned>(frame.state);
    if (state < counts.size()) ++counts[state];
  }
  // Frames above the mark were never used: as free as those that came back.
  counts[static_cast<unsigned>(FrameState::kFree)] += header.frame_count - used;
  return counts;
}

class Text {
 public:
  void Compare(const std::string& what, uint64_t before, uint64_t after) {
    if (before == after) return;
    text_ += (text_.empty() ? "" : ", ") + what + " " + std::to_string(before) + " -> " +
             std::to_string(after);
  }
  std::string text_;
};

uint64_t SlabFrames(const Holdings& holdings) {
  return CountOf(holdings.frames, FrameState::kSlab);
}

uint64_t ObjectsOf(const Holdings& holdings, const std::string& cache) {
  const auto found = holdings.objects.find(cache);
  return found == holdings.objects.end() ? 0 : found->second;
}

}  // namespace

absl::StatusOr<Holdings> ReadHoldings(const inspect::MemoryReader& memory,
                                      const inspect::ChannelView& channel) {
  const absl::StatusOr<proto::ChannelHeader> header = channel.LiveHeader();
  if (!header.ok()) return header.status();
  std::vector<inspect::Malformed> malformed;
  Holdings holdings;
  holdings.frames = CountFrames(memory, *header);
  holdings.free_frames = header->free_frames;
  holdings.tasks = header->task_count;
  for (const inspect::SlabCache& slab : inspect::ReadSlabs(memory, *header, malformed)) {
    const char* name = slab.record.name;
    holdings.objects[{name, strnlen(name, sizeof(slab.record.name))}] += slab.record.active_objects;
  }
  if (!malformed.empty()) return absl::DataLossError(malformed.front().sentence);
  return holdings;
}

std::string Difference(const Holdings& before, const Holdings& after) {
  Text text;
  text.Compare("tasks", before.tasks, after.tasks);
  text.Compare("free and slab frames counted", before.free_frames + SlabFrames(before),
               after.free_frames + SlabFrames(after));
  for (unsigned state = 0; state < kFrameStates; ++state) {
    const auto known = static_cast<FrameState>(state);
    if (known == FrameState::kSlab) continue;
    const bool free = known == FrameState::kFree;
    text.Compare(std::string(free ? "free and slab" : inspect::FrameStateName(known)) + " frames",
                 before.frames[state] + (free ? SlabFrames(before) : 0),
                 after.frames[state] + (free ? SlabFrames(after) : 0));
  }
  std::map<std::string, uint64_t> caches = before.objects;
  caches.insert(after.objects.begin(), after.objects.end());
  for (const auto& [cache, count] : caches) {
    text.Compare(cache + " objects", ObjectsOf(before, cache), ObjectsOf(after, cache));
  }
  return text.text_;
}

}  // namespace fv::oracle
