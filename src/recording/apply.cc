// SPDX-License-Identifier: Apache-2.0
//
// Applies changes, as any reader of a recording has to.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/recording/entry_flags.h"
#include "src/recording/state.h"

namespace fv::recording {
namespace {

using proto::kEntriesPerTable;
using proto::Pte;

absl::Status Wrong(const std::string& what) {
  return absl::DataLossError(absl::StrCat("the recording is wrong: ", what));
}

struct Range {
  unsigned first;
  unsigned end;
  bool valid;
};
Range RangeOf(uint32_t first, uint32_t count) {
  const uint64_t end = uint64_t{first} + (count == 0 ? 1 : count);
  return {first, static_cast<unsigned>(end), end <= kEntriesPerTable};
}

absl::Status ApplyCopy(const schema::TableCopy& copy, const State& state, Entries& entries) {
  const auto from = state.tables.find(copy.from());
  const uint32_t rest = kEntriesPerTable - std::min(copy.first(), kEntriesPerTable);
  const Range range = RangeOf(copy.first(), copy.count() == 0 ? rest : copy.count());
  if (from == state.tables.end() || !range.valid) return Wrong("a copy of no table");
  const Pte clear = BitsOf(copy.clear());
  for (unsigned i = range.first; i < range.end; ++i) {
    entries[i] = from->second.entries[i] & ~clear;
  }
  return absl::OkStatus();
}

absl::Status ApplyFlags(const schema::FlagRun& run, Entries& entries) {
  const Range range = RangeOf(run.first(), run.count());
  if (!range.valid) return Wrong("flags outside of a table");
  const Pte clear = BitsOf(run.clear());
  const Pte set = BitsOf(run.set());
  for (unsigned i = range.first; i < range.end; ++i) {
    if (entries[i] != 0) entries[i] = (entries[i] & ~clear) | set;
  }
  return absl::OkStatus();
}

absl::Status ApplyEntries(const schema::EntryRun& run, Entries& entries) {
  const Range range = RangeOf(run.first(), run.count());
  const bool steps = run.frames() == schema::EntryRun::STEPS;
  if (!range.valid ||
      (steps && run.steps_size() != static_cast<int>(range.end - range.first - 1))) {
    return Wrong("entries outside of a table");
  }
  uint64_t frame = run.frame();
  for (unsigned i = range.first; i < range.end; ++i) {
    entries[i] = run.flags() == 0 ? 0 : EntryOf(run.flags(), frame);
    if (steps && i + 1 < range.end) {
      frame += static_cast<uint64_t>(run.steps(static_cast<int>(i - range.first)));
    } else if (run.frames() == schema::EntryRun::CONSECUTIVE) {
      ++frame;
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyTable(const schema::Table& change, State& state) {
  if (change.level() != 0) {
    state.tables[change.frame()] = {.level = change.level()};
  } else if (!state.tables.contains(change.frame())) {
    return Wrong(absl::StrCat("frame ", change.frame(), " is no table"));
  }
  Entries& entries = state.tables[change.frame()].entries;
  absl::Status status;
  if (change.has_copy()) status = ApplyCopy(change.copy(), state, entries);
  for (int i = 0; i < change.flags_size() && status.ok(); ++i) {
    status = ApplyFlags(change.flags(i), entries);
  }
  for (int i = 0; i < change.entries_size() && status.ok(); ++i) {
    status = ApplyEntries(change.entries(i), entries);
  }
  return status;
}

void ApplyTask(const schema::Task& change, State& state) {
  TaskFields& task = state.tasks[change.pid()];
  if (change.has_tgid()) task.tgid = change.tgid();
  if (change.has_ppid()) task.ppid = change.ppid();
  if (change.has_state()) task.state = change.state();
  if (change.has_name()) task.name = change.name();
  if (change.has_mm()) task.mm = change.mm();
  if (change.has_exit_status()) task.exit_status = change.exit_status();
  if (change.has_stack()) task.stack = change.stack();
}

absl::Status ApplyMm(const schema::Mm& change, State& state) {
  State::AddressSpace& mm = state.mms[change.id()];
  if (change.has_address()) mm.address = change.address();
  if (change.has_root()) mm.root = change.root();
  if (change.has_strategy()) mm.strategy = change.strategy();
  if (change.vmas_of() != 0) {
    const auto model = state.mms.find(change.vmas_of());
    if (model == state.mms.end()) return Wrong("mappings of no address space");
    mm.vmas = model->second.vmas;
    mm.files = model->second.files;
  }
  for (const uint64_t page : change.removed_vmas()) {
    mm.vmas.erase(page);
    mm.files.erase(page);
  }
  for (const schema::Vma& vma : change.vmas()) {
    mm.vmas[vma.page()] = {vma.page(), vma.pages(), vma.flags(), vma.object(), vma.page_offset()};
    mm.files.erase(vma.page());
    if (vma.file() != 0) mm.files[vma.page()] = vma.file();
  }
  return absl::OkStatus();
}

void ApplyFrames(const schema::FrameRun& run, State& state) {
  const uint32_t count = run.count() == 0 ? 1 : run.count();
  for (uint32_t i = 0; i < count; ++i) {
    if (run.state() == 0) {
      state.frames.erase(run.first() + i);
    } else {
      state.frames[run.first() + i] = {run.state(), run.pins(), run.slab_cache()};
    }
  }
}

}  // namespace

absl::Status Apply(const schema::Change& change, State& state) {
  for (const uint32_t pid : change.removed_tasks()) state.tasks.erase(pid);
  for (const schema::Task& task : change.tasks()) ApplyTask(task, state);
  for (const uint32_t id : change.removed_mms()) state.mms.erase(id);
  absl::Status status;
  for (int i = 0; i < change.mms_size() && status.ok(); ++i) {
    status = ApplyMm(change.mms(i), state);
  }
  for (const uint32_t frame : change.removed_tables()) state.tables.erase(frame);
  for (int i = 0; i < change.tables_size() && status.ok(); ++i) {
    status = ApplyTable(change.tables(i), state);
  }
  for (const schema::FrameRun& run : change.frames()) ApplyFrames(run, state);
  for (const schema::SlabCache& cache : change.slab_caches()) {
    state.slab_caches[cache.id()] = cache.name();
  }
  for (const schema::FileName& name : change.file_names()) {
    state.file_names[name.id()] = name.path();
  }
  if (change.has_running()) state.running = change.running();
  return status;
}

absl::Status Apply(const schema::Record& record, State& state) {
  switch (record.kind_case()) {
    case schema::Record::kKeyframe:
      state = {};
      return Apply(record.keyframe().state(), state);
    case schema::Record::kStep:
      return Apply(record.step().change(), state);
    default:
      return absl::OkStatus();
  }
}

}  // namespace fv::recording
