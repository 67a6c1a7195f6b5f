// SPDX-License-Identifier: Apache-2.0
//
// What upper tables no longer point to goes first, so that a table that moved is met once.
#include "src/recording/table_mirror.h"

#include <utility>

#include "src/inspect/table_reader.h"
#include "src/recording/entry_flags.h"

namespace fv::recording {

using proto::kEntriesPerTable;
using proto::kPteHuge;
using proto::kPtePresent;
using proto::Pte;

namespace {

unsigned Slots(unsigned level) {
  return level == proto::kPageTableLevels ? inspect::kUserSlots : kEntriesPerTable;
}

bool PointsElsewhere(Pte before, Pte after) {
  return ((before ^ after) & (proto::kPteFrameMask | kPtePresent | kPteHuge)) != 0;
}

}  // namespace

void TableMirror::Load(const Table& table, Entries& entries) const {
  memory_.LoadPage(table.frame, entries.data());
  for (unsigned i = Slots(table.level); i < kEntriesPerTable; ++i) entries[i] = 0;
}

bool TableMirror::Enter(uint64_t frame, unsigned level, uint64_t model) {
  if (frame == 0 || frame >= memory_.frames()) return false;
  if (Table* const known = Find(frame)) {
    if (known->level != level) return false;
    ++known->parents;
    return true;
  }
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<uint32_t>(tables_.size()));
    tables_.emplace_back();
  }
  const uint32_t place = free_places_.back();
  free_places_.pop_back();
  if (tables_[place] == nullptr) tables_[place] = std::make_unique<Table>();
  table_of_[frame] = place + 1;
  fresh_.push_back(frame);
  Table& table = *tables_[place];
  table.frame = frame;
  table.level = level;
  table.parents = 1;
  table.fresh = true;
  table.model = model;
  table.followed.reset();
  Load(table, table.entries);
  const Table* const like = Find(model);
  for (unsigned i = 0; level > 1 && i < Slots(level); ++i) {
    if (table.entries[i] == 0) continue;
    const bool has_model = like != nullptr && like->level == level && like->followed[i];
    Follow(table, i, has_model ? FrameOf(like->entries[i]) : 0);
  }
  return true;
}

void TableMirror::Follow(Table& table, unsigned index, uint64_t model) {
  const Pte entry = table.entries[index];
  if ((entry & kPtePresent) == 0 || (entry & kPteHuge) != 0) return;
  table.followed[index] = Enter(FrameOf(entry), table.level - 1, model);
}

void TableMirror::Unfollow(Table& table, unsigned index) {
  if (!table.followed[index]) return;
  table.followed[index] = false;
  Leave(*Find(FrameOf(table.entries[index])));
}

void TableMirror::Leave(Table& table) {
  if (--table.parents != 0) return;
  for (size_t i = table.followed._Find_first(); i < table.followed.size();
       i = table.followed._Find_next(i)) {
    Unfollow(table, static_cast<unsigned>(i));
  }
  // One that came and went within the step was never told of.
  if (!table.fresh) change_->add_removed_tables(static_cast<uint32_t>(table.frame));
  const uint32_t place = table_of_[table.frame] - 1;
  table_of_[table.frame] = 0;
  free_places_.push_back(place);
}

void TableMirror::Drop(uint64_t root) { Leave(*Find(root)); }

bool TableMirror::Hold(uint64_t root, uint64_t model) {
  return Enter(root, proto::kPageTableLevels, model);
}

bool TableMirror::IsAsRead(const Table& table) const {
  return memory_.Same(table.frame << proto::kPageShift, table.entries.data(),
                      Slots(table.level) * sizeof(Pte));
}

void TableMirror::StageUpper(Table& table) {
  if (IsAsRead(table)) return;
  Staged& staged = staged_.emplace_back();
  staged.frame = table.frame;
  Load(table, staged.entries);
  for (unsigned i = 0; i < Slots(table.level); ++i) {
    if (PointsElsewhere(table.entries[i], staged.entries[i])) Unfollow(table, i);
  }
}

void TableMirror::ApplyUpper(const Staged& staged) {
  Table* const table = FindOld(staged.frame);
  if (table == nullptr) return;
  schema::Table& told = *change_->add_tables();
  told.set_frame(static_cast<uint32_t>(table->frame));
  AddDifference(table->entries, staged.entries, told);
  const Entries before = table->entries;
  table->entries = staged.entries;
  for (unsigned i = 0; i < Slots(table->level); ++i) {
    if (table->entries[i] != before[i] && !table->followed[i]) {
      // A table that was shared until now may have been copied.
      Follow(*table, i, FrameOf(before[i]));
    }
  }
}

void TableMirror::UpdateLeaf(Table& table) {
  if (IsAsRead(table)) return;
  Entries now;
  Load(table, now);
  schema::Table& told = *change_->add_tables();
  told.set_frame(static_cast<uint32_t>(table.frame));
  AddDifference(table.entries, now, told);
  table.entries = now;
}

void TableMirror::Update(const oracle::DirtyBits& dirty) {
  staged_.clear();
  for (unsigned level = proto::kPageTableLevels; level > 1; --level) {
    for (const uint64_t frame : dirty.frames()) {
      Table* const table = FindOld(frame);
      if (table != nullptr && table->level == level) StageUpper(*table);
    }
  }
  for (const Staged& staged : staged_) ApplyUpper(staged);
  for (const uint64_t frame : dirty.frames()) {
    Table* const table = FindOld(frame);
    if (table != nullptr && table->level == 1) UpdateLeaf(*table);
  }
}

void TableMirror::End() {
  for (const uint64_t frame : fresh_) {
    Table* const table = Find(frame);
    if (table == nullptr || !table->fresh) continue;  // it went again
    schema::Table& told = *change_->add_tables();
    told.set_frame(static_cast<uint32_t>(frame));
    told.set_level(table->level);
    const Table* const model = FindOld(table->model);
    if (model != nullptr && model->level == table->level) {
      AddContent(model->frame, model->entries, table->entries, told);
    } else {
      AddEntries(table->entries, told);
    }
    table->fresh = false;
  }
  entered_.clear();
  std::swap(entered_, fresh_);
}

}  // namespace fv::recording
