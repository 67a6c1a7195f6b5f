// SPDX-License-Identifier: Apache-2.0
//
// The user's page tables as last seen, by frame, and what became of them. Only tables that were
// written, and new ones, are read. This one sees; whether it is right, and who may do what, is the
// oracle's affair (src/oracle/table_cache.h), whose sums and rules a recording has no time for.
//
// The guest may be broken: a frame that is met as tables of two levels stays what it was first, and
// is not followed elsewhere. A table is read once a step however many point to it.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <vector>

#include "proto/recording.pb.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/dirty_bits.h"
#include "src/oracle/lazy_array.h"
#include "src/recording/entry_runs.h"

namespace fv::recording {

class TableMirror {
 public:
  explicit TableMirror(const inspect::MemoryReader& memory)
      : memory_(memory), table_of_(memory.frames()) {}

  // One step: Begin, Drop for held roots that went, Update, Hold for roots that came, End. What
  // changed is added to `change`, which stays until End.
  void Begin(schema::Change& change) { change_ = &change; }
  void Drop(uint64_t root);
  void Update(const oracle::DirtyBits& dirty);
  // `model`: root of the address space that this one was copied from; 0: none. False if the frame
  // cannot be a root: it must not be dropped then.
  bool Hold(uint64_t root, uint64_t model);
  void End();

  bool IsTable(uint64_t frame) const { return frame < table_of_.size() && table_of_[frame] != 0; }
  // Frames that became tables in this step, if they still are or not.
  const std::vector<uint64_t>& entered() const { return entered_; }

 private:
  struct Table {
    uint64_t frame = 0;
    unsigned level = 0;
    uint32_t parents = 0;  // entries of the tables here that were followed to it; roots: holders
    bool fresh = true;     // not told yet
    uint64_t model = 0;    // frame of a table that this one may be a copy of; 0: none
    Entries entries{};
    std::bitset<proto::kEntriesPerTable> followed;  // entries that count in `parents` below
  };
  struct Staged {
    uint64_t frame;
    Entries entries;
  };

  Table* Find(uint64_t frame) {
    return frame < table_of_.size() && table_of_[frame] != 0 ? tables_[table_of_[frame] - 1].get()
                                                             : nullptr;
  }
  // A table that was here before this step.
  Table* FindOld(uint64_t frame) {
    Table* const table = Find(frame);
    return table == nullptr || table->fresh ? nullptr : table;
  }
  void Load(const Table& table, Entries& entries) const;
  bool IsAsRead(const Table& table) const;
  bool Enter(uint64_t frame, unsigned level, uint64_t model);
  void Leave(Table& table);
  void Follow(Table& table, unsigned index, uint64_t model);
  void Unfollow(Table& table, unsigned index);
  void StageUpper(Table& table);
  void ApplyUpper(const Staged& staged);
  void UpdateLeaf(Table& table);

  inspect::MemoryReader memory_;
  oracle::LazyArray<uint32_t> table_of_;        // by frame: place in tables_ + 1; 0: none
  std::vector<std::unique_ptr<Table>> tables_;  // unused ones are kept for their memory
  std::vector<uint32_t> free_places_;
  std::vector<Staged> staged_;
  std::vector<uint64_t> fresh_;    // frames, in the order in which they were met
  std::vector<uint64_t> entered_;  // fresh_ of the last step
  schema::Change* change_ = nullptr;
};

}  // namespace fv::recording
