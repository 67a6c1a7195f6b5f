// SPDX-License-Identifier: Apache-2.0
//
// A state from a snapshot, by the snapshot's own walk of the guest; and two states compared.
#include "src/recording/state.h"

#include "absl/strings/str_cat.h"
#include "src/inspect/list_walk.h"
#include "src/inspect/table_reader.h"
#include "src/recording/printable.h"

namespace fv::recording {
namespace {

using inspect::Hex;
using proto::FrameState;
using proto::GuestPtr;
using proto::kKernelBase;
using proto::kPageShift;

void TakeMms(const inspect::Snapshot& snapshot, State& state, std::map<GuestPtr, uint32_t>& ids) {
  for (const inspect::Mm& mm : snapshot.mms) {
    const auto id = static_cast<uint32_t>(ids.size() + 1);
    ids[mm.address] = id;
    State::AddressSpace& taken = state.mms[id];
    taken.address = mm.address - kKernelBase;
    taken.root = static_cast<uint32_t>(mm.record.root_gpa >> kPageShift);
    taken.strategy = mm.record.fork_strategy;
    for (const VmaFields& vma : FieldsOf(mm.vmas)) taken.vmas[vma.page] = vma;
  }
}

void TakeTasks(const inspect::Snapshot& snapshot, const std::map<GuestPtr, uint32_t>& mm_ids,
               State& state) {
  std::map<GuestPtr, uint32_t> pids;
  for (const inspect::Task& task : snapshot.tasks) pids[task.address] = task.record.pid;
  for (const inspect::Task& task : snapshot.tasks) {
    TaskFields fields = OwnFieldsOf(task.record);
    const auto parent = pids.find(task.record.parent);
    const auto mm = mm_ids.find(task.record.mm);
    fields.ppid = parent == pids.end() ? 0 : parent->second;
    fields.mm = mm == mm_ids.end() ? 0 : mm->second;
    state.tasks[task.record.pid] = fields;
  }
  if (snapshot.cpus.empty()) return;
  const auto running = pids.find(snapshot.cpus.front().current);
  state.running = running == pids.end() ? 0 : running->second;
}

void TakeTables(const inspect::Snapshot& snapshot, State& state) {
  for (uint32_t i = 0; i < snapshot.tables.size(); ++i) {
    State::Table& table = state.tables[static_cast<uint32_t>(snapshot.tables[i].pfn)];
    table.level = snapshot.tables[i].level;
    const unsigned slots =
        table.level == proto::kPageTableLevels ? inspect::kUserSlots : proto::kEntriesPerTable;
    std::copy_n(snapshot.TableEntries(i), slots, table.entries.begin());
  }
}

void TakeFrames(const inspect::Snapshot& snapshot, State& state) {
  std::map<GuestPtr, uint32_t> caches;
  for (const inspect::SlabCache& cache : snapshot.slabs) {
    const auto id = static_cast<uint32_t>(caches.size() + 1);
    caches[cache.address] = id;
    state.slab_caches[id] = Printable(cache.record.name);
  }
  for (uint32_t frame = 0; frame < snapshot.frames.size(); ++frame) {
    const proto::FrameRecord& record = snapshot.frames[frame];
    if (record.state == FrameState::kFree) continue;
    const auto cache = caches.find(record.aux);
    const bool named = record.state == FrameState::kSlab && cache != caches.end();
    state.frames[frame] = {static_cast<uint32_t>(record.state), record.pins,
                           named ? cache->second : 0};
  }
}

// Puts names in the place of ids.
template <typename Map>
std::string NameOf(const Map& map, uint32_t id) {
  const auto at = map.find(id);
  return at == map.end() ? "none" : absl::StrCat(at->second);
}

class Comparison {
 public:
  Comparison(const State& a, const State& b, size_t most) : a_(a), b_(b), most_(most) {
    CompareTasks();
    CompareMms();
    CompareTables();
    CompareFrames();
    if (a.running != b.running) {
      Add(absl::StrCat("task ", a.running, " runs, not ", b.running));
    }
  }
  std::vector<std::string> Take() { return std::move(sentences_); }

 private:
  void Add(std::string sentence) {
    if (sentences_.size() < most_) sentences_.push_back(std::move(sentence));
  }

  // Calls compare(key, value of a, value of b) where both have one.
  template <typename Map, typename Compare>
  void Match(const char* what, const Map& a, const Map& b, Compare compare) {
    for (const auto& [key, value] : a) {
      const auto other = b.find(key);
      if (other == b.end()) {
        Add(absl::StrCat(what, " ", key, " is only in the first"));
      } else {
        compare(key, value, other->second);
      }
    }
    for (const auto& [key, value] : b) {
      if (!a.contains(key)) Add(absl::StrCat(what, " ", key, " is only in the second"));
    }
  }

  static uint64_t AddressOf(const State& state, uint32_t mm) {
    const auto at = state.mms.find(mm);
    return at == state.mms.end() ? 0 : at->second.address;
  }

  void CompareTasks() {
    Match("task", a_.tasks, b_.tasks, [&](uint32_t pid, TaskFields a, TaskFields b) {
      if (AddressOf(a_, a.mm) != AddressOf(b_, b.mm)) {
        Add(absl::StrCat("task ", pid, ": address space ", Hex(AddressOf(a_, a.mm)), ", not ",
                         Hex(AddressOf(b_, b.mm))));
      }
      a.mm = b.mm = 0;
      if (a != b) {
        Add(absl::StrCat("task ", pid, ": ", a.name, " state ", a.state, " of ", a.ppid, ", not ",
                         b.name, " state ", b.state, " of ", b.ppid));
      }
    });
  }

  static std::map<uint64_t, State::AddressSpace> ByAddress(const State& state) {
    std::map<uint64_t, State::AddressSpace> mms;
    for (const auto& [id, mm] : state.mms) mms[mm.address] = mm;
    return mms;
  }
  void CompareMms() {
    Match("address space", ByAddress(a_), ByAddress(b_),
          [&](uint64_t address, const State::AddressSpace& a, const State::AddressSpace& b) {
            if (a == b) return;
            Add(absl::StrCat("address space ", Hex(address), ": root ", a.root, " with ",
                             a.vmas.size(), " mappings, not ", b.root, " with ", b.vmas.size()));
          });
  }

  void CompareTables() {
    Match("table", a_.tables, b_.tables,
          [&](uint32_t frame, const State::Table& a, const State::Table& b) {
            if (a.level != b.level) {
              Add(absl::StrCat("table ", frame, ": level ", a.level, ", not ", b.level));
            }
            for (unsigned i = 0; i < a.entries.size(); ++i) {
              if (a.entries[i] == b.entries[i]) continue;
              Add(absl::StrCat("table ", frame, " of level ", a.level, ", entry ", i, ": ",
                               Hex(a.entries[i]), ", not ", Hex(b.entries[i])));
            }
          });
  }

  void CompareFrames() {
    Match("frame", a_.frames, b_.frames,
          [&](uint32_t frame, const State::Frame& a, const State::Frame& b) {
            const std::string cache_a = NameOf(a_.slab_caches, a.slab_cache);
            const std::string cache_b = NameOf(b_.slab_caches, b.slab_cache);
            if (a.state == b.state && a.pins == b.pins && cache_a == cache_b) return;
            Add(absl::StrCat("frame ", frame, ": state ", a.state, " pins ", a.pins, " cache ",
                             cache_a, ", not ", b.state, " ", b.pins, " ", cache_b));
          });
  }

  const State& a_;
  const State& b_;
  const size_t most_;
  std::vector<std::string> sentences_;
};

}  // namespace

State StateOf(const inspect::Snapshot& snapshot) {
  State state;
  std::map<GuestPtr, uint32_t> mm_ids;
  TakeMms(snapshot, state, mm_ids);
  TakeTasks(snapshot, mm_ids, state);
  TakeTables(snapshot, state);
  TakeFrames(snapshot, state);
  return state;
}

std::vector<std::string> Differences(const State& a, const State& b, size_t most) {
  return Comparison(a, b, most).Take();
}

}  // namespace fv::recording
