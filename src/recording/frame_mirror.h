// SPDX-License-Identifier: Apache-2.0
//
// The frames' records as last told, as far as they do not follow from the page tables.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "proto/channel.h"
#include "proto/recording.pb.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/frame_cache.h"
#include "src/oracle/lazy_array.h"

namespace fv::recording {

class FrameMirror {
 public:
  explicit FrameMirror(const inspect::MemoryReader& memory)
      : memory_(memory), cache_(memory), told_(memory.frames()) {}

  // Adds what changed since the last call; the first reads everything.
  void Update(const proto::ChannelHeader& header, const oracle::DirtyBits& dirty,
              schema::Change& change);

  // Of the last Update: frames that came to be something else.
  const std::vector<uint64_t>& restated() const { return cache_.restated(); }
  // Whether nothing that a recording has is kept in such a frame: users' pages, kernel stacks, most
  // slabs, and what belongs to nobody.
  bool HoldsNoRecords(uint64_t frame) const;

 private:
  // As FrameRun has it.
  struct Told {
    uint8_t state;
    uint16_t pins;
    uint32_t slab_cache;
    bool operator==(const Told&) const = default;
  };
  Told TellOf(const proto::FrameRecord& record, schema::Change& change);
  struct Cache {
    uint32_t id;
    bool holds_records;  // tasks, address spaces or mappings
  };
  uint32_t CacheId(proto::GuestPtr cache, schema::Change& change);

  inspect::MemoryReader memory_;
  oracle::FrameCache cache_;
  oracle::LazyArray<Told> told_;
  std::map<proto::GuestPtr, Cache> caches_;
  std::vector<uint64_t> changed_;
};

}  // namespace fv::recording
