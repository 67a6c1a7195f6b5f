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
constexpr size_t kLeastCopied = 4;

constexpr Entries kEmpty{};

bool KeepsFrame(Pte before, Pte after) {
  return before != 0 && after != 0 && ((before ^ after) & kPteFrameMask) == 0;
}

// Where two tables differ, ascending. Most tables differ in few places or are mostly empty.
class Places {
 public:
  Places(const Entries& a, const Entries& b) {
    constexpr unsigned kGroup = 8;
    for (unsigned first = 0; first < kEntriesPerTable; first += kGroup) {
      Pte any = 0;
      for (unsigned i = first; i < first + kGroup; ++i) any |= a[i] ^ b[i];
      if (any == 0) continue;
      for (unsigned i = first; i < first + kGroup; ++i) {
        if (a[i] != b[i]) at_[count_++] = static_cast<uint16_t>(i);
      }
    }
  }
  const uint16_t* begin() const { return at_.data(); }
  const uint16_t* end() const { return at_.data() + count_; }

 private:
  std::array<uint16_t, kEntriesPerTable> at_;
  unsigned count_ = 0;
};

void AddFlagRuns(const Entries& before, const Entries& after, const Places& places,
                 schema::Table& table) {
  unsigned done = 0;  // entries before are told
  for (const unsigned i : places) {
    if (i < done || !KeepsFrame(before[i], after[i])) continue;
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
    done = last + 1;
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

void AddEntryRuns(const Entries& before, const Entries& after, const Places& places,
                  schema::Table& table) {
  for (const uint16_t* place = places.begin(); place != places.end();) {
    const unsigned first = *place++;
    if (KeepsFrame(before[first], after[first])) continue;
    unsigned end = first + 1;
    while (place != places.end() && *place == end && !KeepsFrame(before[end], after[end]) &&
           ((after[end] ^ after[first]) & ~kPteFrameMask) == 0) {
      ++end;
      ++place;
    }
    Stretch(after, first, end, table);
  }
}

}  // namespace

void AddDifference(const Entries& before, const Entries& after, schema::Table& table) {
  const Places places(before, after);
  AddFlagRuns(before, after, places, table);
  AddEntryRuns(before, after, places, table);
}

void AddEntries(const Entries& entries, schema::Table& table) {
  AddEntryRuns(kEmpty, entries, Places(kEmpty, entries), table);
}

void AddContent(uint64_t from, const Entries& model, const Entries& after, schema::Table& table) {
  const Places used(kEmpty, after);
  const auto used_entries = static_cast<size_t>(used.end() - used.begin());
  Pte clear = 0;  // what the first entry that lost something lost
  size_t right = 0;
  for (const unsigned i : used) {
    if (clear == 0 && KeepsFrame(model[i], after[i])) clear = model[i] & ~after[i];
    right += (model[i] & ~clear) == after[i];
  }
  if (used_entries < kLeastCopied || right < used_entries / 2) {
    AddEntryRuns(kEmpty, after, used, table);
    return;
  }
  Entries copied;
  for (unsigned i = 0; i < kEntriesPerTable; ++i) copied[i] = model[i] & ~clear;
  schema::TableCopy& copy = *table.mutable_copy();
  copy.set_from(static_cast<uint32_t>(from));
  copy.set_clear(FlagsOf(clear));
  AddDifference(copied, after, table);
}

}  // namespace fv::recording
