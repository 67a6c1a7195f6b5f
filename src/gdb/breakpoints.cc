// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/breakpoints.h"

#include <set>

namespace fv::gdb {

bool Breakpoints::Insert(uint64_t address) {
  const bool kernel = proto::InDirectMap(address, memory_.size());
  if (!kernel && (address >= proto::kUserEnd || program_ == 0)) return false;
  Entry& entry = entries_[address];
  SyncOne(address, entry);
  return true;
}

bool Breakpoints::Remove(uint64_t address) {
  const auto entry = entries_.find(address);
  if (entry == entries_.end()) return false;
  // A frame may have been copied with its byte since the last look.
  SyncOne(address, entry->second);
  for (auto patch = patches_.begin(); patch != patches_.end();) {
    if (patch->second.address != address) {
      ++patch;
      continue;
    }
    if (StillOurs(patch->first, patch->second)) {
      (void)memory_.Store(patch->first, patch->second.original);
    }
    patch = patches_.erase(patch);
  }
  entries_.erase(entry);
  return true;
}

void Breakpoints::RemoveAll() {
  while (!entries_.empty()) Remove(entries_.begin()->first);
}

void Breakpoints::Sync() {
  for (auto patch = patches_.begin(); patch != patches_.end();) {
    patch = StillOurs(patch->first, patch->second) ? std::next(patch) : patches_.erase(patch);
  }
  for (auto& [address, entry] : entries_) SyncOne(address, entry);
}

void Breakpoints::TakeOut() {
  for (const auto& [gpa, patch] : patches_) {
    if (StillOurs(gpa, patch)) (void)memory_.Store(gpa, patch.original);
  }
  patches_.clear();
}

void Breakpoints::SyncOne(uint64_t address, Entry& entry) {
  if (proto::InDirectMap(address, memory_.size())) {
    PatchFrame(proto::PhysOfDirectMap(address), address, entry);
    return;
  }
  std::set<proto::GuestPtr> spaces;
  for (const inspect::Task& task : view_.tasks()) {
    const proto::GuestPtr mm = task.record.mm;
    if (mm == 0 || !spaces.insert(mm).second) continue;
    if (view_.ExecutableOf(mm) != program_) continue;
    if (const auto place = view_.LocateIn(mm, address)) {
      PatchFrame(place->gpa, address, entry);
    } else if (const auto gpa = view_.LocateInFile(mm, address)) {
      PatchFrame(*gpa, address, entry);
    }
  }
}

void Breakpoints::PatchFrame(uint64_t gpa, uint64_t address, Entry& entry) {
  if (patches_.count(gpa) != 0) return;
  const std::optional<uint8_t> now = memory_.Load<uint8_t>(gpa);
  if (!now) return;
  uint8_t original = *now;
  if (*now == instruction_) {
    // A copy of a frame with our byte; or the program's own instruction, which stops anyway.
    if (!entry.original) return;
    original = *entry.original;
  }
  entry.original = original;
  patches_[gpa] = {address, original, view_.FrameOf(gpa)};
  (void)memory_.Store(gpa, instruction_);
}

bool Breakpoints::StillOurs(uint64_t gpa, const Patch& patch) const {
  const proto::FrameRecord frame = view_.FrameOf(gpa);
  return frame.state == patch.frame.state && frame.aux == patch.frame.aux &&
         memory_.Load<uint8_t>(gpa) == instruction_;
}

void Breakpoints::Lift(uint64_t gpa) {
  const auto patch = patches_.find(gpa);
  if (patch != patches_.end()) (void)memory_.Store(gpa, patch->second.original);
}

void Breakpoints::PutBack(uint64_t gpa) {
  const auto patch = patches_.find(gpa);
  if (patch != patches_.end()) (void)memory_.Store(gpa, instruction_);
}

void Breakpoints::Hide(uint64_t gpa, std::string& bytes) const {
  for (auto patch = patches_.lower_bound(gpa);
       patch != patches_.end() && patch->first - gpa < bytes.size(); ++patch) {
    bytes[patch->first - gpa] = static_cast<char>(patch->second.original);
  }
}

void Breakpoints::NoteWritten(uint64_t gpa, const std::string& bytes) {
  for (auto patch = patches_.lower_bound(gpa);
       patch != patches_.end() && patch->first - gpa < bytes.size(); ++patch) {
    patch->second.original = static_cast<uint8_t>(bytes[patch->first - gpa]);
    (void)memory_.Store(patch->first, instruction_);
  }
}

}  // namespace fv::gdb
