// SPDX-License-Identifier: Apache-2.0
//
// Address spaces and their mappings as last told. The oracle's cache reads them; its findings are
// the oracle's to tell.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "proto/channel.h"
#include "proto/recording.pb.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/mm_cache.h"
#include "src/recording/file_names.h"
#include "src/recording/table_mirror.h"

namespace fv::recording {

// A mapping as schema::Vma has it.
struct VmaFields {
  uint64_t page = 0;
  uint64_t pages = 0;
  uint64_t flags = 0;
  uint64_t object = 0;
  uint64_t page_offset = 0;
  bool operator==(const VmaFields&) const = default;
};
VmaFields FieldsOf(const proto::VmaRecord& vma);
// By page; of several that begin at one page (a damaged list) the last.
std::vector<VmaFields> FieldsOf(std::span<const inspect::Vma> vmas);

class MmMirror {
 public:
  explicit MmMirror(const inspect::MemoryReader& memory)
      : cache_(memory, oracle::MmCache::Purpose::kRead), files_(memory) {}

  // Adds what changed since the last call, in `tables` too. `events`: since then.
  void Update(const proto::ChannelHeader& header, const oracle::DirtyBits& dirty,
              std::span<const proto::EventRecord> events, TableMirror& tables,
              schema::Change& change);

  // Mm.id of the address space at `address`; 0: there is none.
  uint32_t IdOf(proto::GuestPtr address) const;

 private:
  struct Told {
    uint32_t id = 0;  // 0: not told yet
    proto::GuestPtr address = 0;
    uint64_t root = 0;  // frame
    bool held = false;  // `root`, by the tables
    uint32_t strategy = 0;
    std::vector<VmaFields> vmas;
  };
  void DropRoot(uint32_t slot, TableMirror& tables);
  void Tell(uint32_t slot, schema::Change& change);
  void TellVmas(const Told& model, const inspect::Mm& from, const std::vector<VmaFields>& now,
                schema::Mm& mm, schema::Change& change);
  // The address space that the one at `address` was copied from in this step; null: none.
  const Told* ModelOf(proto::GuestPtr address) const;

  oracle::MmCache cache_;
  FileNames files_;
  std::vector<Told> told_;                             // by the cache's slots
  std::map<proto::GuestPtr, proto::GuestPtr> copies_;  // of this step: child, parent
  uint32_t last_id_ = 0;
};

}  // namespace fv::recording
