// SPDX-License-Identifier: Apache-2.0
#include "src/query/mappings.h"

#include <algorithm>

#include "src/inspect/render.h"

namespace fv::query {

using inspect::Mm;
using inspect::PfnOf;
using inspect::Snapshot;
using proto::Pte;

MappingIndex::MappingIndex(const Snapshot& snapshot)
    : snapshot_(snapshot), counts_(snapshot.frames.size(), 0) {
  for (const Mm& mm : snapshot.mms) {
    ForEachMapping(snapshot, mm, [this](const Mapping& mapping) {
      const uint64_t pfn = PfnOf(mapping.pte);
      if (MapsCountedFrame(mapping.pte) && pfn < counts_.size()) ++counts_[pfn];
    });
  }
}

bool MappingIndex::IsExclusive(const Mapping& mapping) const {
  const uint64_t pfn = PfnOf(mapping.pte);
  return MapsCountedFrame(mapping.pte) && Count(pfn) == 1 &&
         snapshot_.Frame(pfn).state == proto::FrameState::kAnon;
}

std::vector<Mapping> MappingIndex::Of(uint64_t pfn) const {
  std::vector<Mapping> found;
  for (const Mm& mm : snapshot_.mms) {
    ForEachMapping(snapshot_, mm, [&](const Mapping& mapping) {
      if (inspect::Present(mapping.pte) && PfnOf(mapping.pte) == pfn) {
        found.push_back(mapping);
      }
    });
  }
  return found;
}

std::string UserOf(const Snapshot& snapshot, const Mm& mm) {
  for (const inspect::Task& task : snapshot.tasks) {
    if (task.record.mm == mm.address) {
      return std::to_string(task.record.pid) + " " + inspect::CommText(task.record);
    }
  }
  return "-";
}

const Mm* MmOfPid(const Snapshot& snapshot, uint32_t pid) {
  for (const inspect::Task& task : snapshot.tasks) {
    if (task.record.pid != pid || task.record.mm == 0) continue;
    for (const Mm& mm : snapshot.mms) {
      if (mm.address == task.record.mm) return &mm;
    }
  }
  return nullptr;
}

const inspect::Vma* VmaAt(const Mm& mm, uint64_t address) {
  const auto after =
      std::upper_bound(mm.vmas.begin(), mm.vmas.end(), address,
                       [](uint64_t at, const inspect::Vma& vma) { return at < vma.record.start; });
  if (after == mm.vmas.begin()) return nullptr;
  const inspect::Vma& vma = *std::prev(after);
  return address < vma.record.end ? &vma : nullptr;
}

std::string RightsText(const Mapping& mapping, const inspect::Vma* vma) {
  const Pte pte = mapping.pte;
  if (!inspect::Present(pte) || (pte & proto::kPteUser) == 0) return "---";
  const bool may_write = vma != nullptr && (vma->record.flags & proto::kVmWrite) != 0;
  std::string text = "r--";
  if (mapping.writable) {
    text[1] = 'w';
  } else if (may_write) {
    text[1] = 'c';
  }
  if ((pte & proto::kPteNoExecute) == 0) text[2] = 'x';
  return text;
}

std::string KindText(const Snapshot& snapshot, Pte pte) {
  if ((pte & proto::kPteGuard) != 0) return "guard";
  if ((pte & proto::kPteZero) != 0) return "zero";
  return inspect::FrameStateName(snapshot.Frame(PfnOf(pte)).state);
}

}  // namespace fv::query
