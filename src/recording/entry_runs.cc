// SPDX-License-Identifier: Apache-2.0
//
// Flags are told for entries that keep their frames, entries for all others; entries come last, so
// flags may be told over them.
#include "src/recording/entry_runs.h"

#include <algorithm>

#include "src/recording/entry_flags.h"

namespace fv::recording {
namespace {

using proto::kEntriesPerTable;
using proto::kPteFrameMask;
using proto::Pte;

// Neighbours of one kind that are worth a run of their own among others.
constexpr unsigned kLongRun = 8;
// A table with fewer entries is told by them.
constexpr unsigned kLeastCopied = 4;

bool KeepsFrame(Pte before, Pte after) {
  return before != 0 && after != 0 && ((before ^ after) & kPteFrameMask) == 0;
}

void AddFlagRuns(const Entries& before, const Entries& after, schema::Table& table) {
  for (unsigned i = 0; i < kEntriesPerTable; ++i) {
    if (before[i] == after[i] || !KeepsFrame(before[i], after[i])) continue;
    const Pte clear = before[i] & ~after[i];
    const Pte set = after[i] & ~before[i];
    unsigned last = i;
    for (unsigned j = i + 1; j < kEntriesPerTable; ++j) {
      if (!KeepsFrame(before[j], after[j])) continue;
      if (((before[j] & ~clear) | set) != after[j]) break;
      if (before[j] != after[j]) last = j;
    }
    schema::FlagRun& run = *table.add_flags();
    run.set_first(i);
    if (last != i) run.set_count(last - i + 1);
    run.set_clear(FlagsOf(clear));
    run.set_set(FlagsOf(set));
    i = last;
  }
}

// Entries [first, end) of `after`, which have the same flags.
class Stretch {
 public:
  Stretch(const Entries& after, unsigned first, unsigned end, schema::Table& table)
      : after_(after), end_(end), table_(table), mixed_(first) {
    for (unsigned at = first; at < end;) {
      const Uniform uniform = UniformAt(at);
      if (uniform.length >= kLongRun || uniform.length == end - first) {
        AddMixed(at);
        Add(at, uniform.length, uniform.frames);
        mixed_ = at + uniform.length;
      }
      at += uniform.length;
    }
    AddMixed(end);
  }

 private:
  struct Uniform {
    unsigned length;
    schema::EntryRun::Frames frames;
  };

  unsigned LengthAt(unsigned first, uint64_t step) const {
    unsigned last = first;
    while (last + 1 < end_ && FrameOf(after_[last + 1]) == FrameOf(after_[last]) + step) ++last;
    return last - first + 1;
  }
  Uniform UniformAt(unsigned first) const {
    const unsigned ascending = LengthAt(first, 1);
    const unsigned same = LengthAt(first, 0);
    return ascending >= same ? Uniform{ascending, schema::EntryRun::CONSECUTIVE}
                             : Uniform{same, schema::EntryRun::SAME};
  }
  schema::EntryRun& Add(unsigned first, unsigned length, schema::EntryRun::Frames frames) {
    schema::EntryRun& run = *table_.add_entries();
    run.set_first(first);
    if (length != 1) run.set_count(length);
    run.set_flags(FlagsOf(after_[first]));
    run.set_frame(FrameOf(after_[first]));
    run.set_frames(frames);
    return run;
  }
  // What is left before `end`.
  void AddMixed(unsigned end) {
    if (mixed_ == end) return;
    const Uniform uniform = UniformAt(mixed_);
    if (uniform.length >= end - mixed_) {
      Add(mixed_, end - mixed_, uniform.frames);
      return;
    }
    schema::EntryRun& run = Add(mixed_, end - mixed_, schema::EntryRun::STEPS);
    for (unsigned i = mixed_ + 1; i < end; ++i) {
      run.add_steps(static_cast<int64_t>(FrameOf(after_[i]) - FrameOf(after_[i - 1])));
    }
  }

  const Entries& after_;
  const unsigned end_;
  schema::Table& table_;
  unsigned mixed_;  // first entry that was not added yet
};

void AddEntryRuns(const Entries& before, const Entries& after, schema::Table& table) {
  const auto is_told = [&](unsigned i) {
    return before[i] != after[i] && !KeepsFrame(before[i], after[i]);
  };
  for (unsigned i = 0; i < kEntriesPerTable;) {
    if (!is_told(i)) {
      ++i;
      continue;
    }
    unsigned end = i + 1;
    while (end < kEntriesPerTable && is_told(end) &&
           ((after[end] ^ after[i]) & ~kPteFrameMask) == 0) {
      ++end;
    }
    Stretch(after, i, end, table);
    i = end;
  }
}

}  // namespace

void AddDifference(const Entries& before, const Entries& after, schema::Table& table) {
  AddFlagRuns(before, after, table);
  AddEntryRuns(before, after, table);
}

void AddContent(uint64_t from, const Entries& model, const Entries& after, schema::Table& table) {
  Pte clear = 0;  // what the first entry of both lost
  for (unsigned i = 0; i < kEntriesPerTable && clear == 0; ++i) {
    if (KeepsFrame(model[i], after[i])) clear = model[i] & ~after[i];
  }
  Entries copied;
  unsigned used = 0;
  unsigned wrong = 0;
  for (unsigned i = 0; i < kEntriesPerTable; ++i) {
    copied[i] = model[i] & ~clear;
    used += after[i] != 0;
    wrong += after[i] != copied[i];
  }
  if (used < kLeastCopied || wrong > used / 2) {
    AddDifference(Entries{}, after, table);
    return;
  }
  schema::TableCopy& copy = *table.mutable_copy();
  copy.set_from(static_cast<uint32_t>(from));
  copy.set_clear(FlagsOf(clear));
  AddDifference(copied, after, table);
}

}  // namespace fv::recording
