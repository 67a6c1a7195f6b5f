// SPDX-License-Identifier: Apache-2.0
#include "src/export/guest_core.h"

#include <elf.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "src/export/core_file.h"
#include "src/export/task_registers.h"
#include "src/inspect/table_reader.h"
#include "src/query/mappings.h"

namespace fv::exports {
namespace {

using proto::kPageBytes;
using proto::kPageShift;
using query::Moment;

// Debuggers number CPUs from 1.
constexpr pid_t kFirstCpu = 1;

CoreNotes CpuNotes(const Moment& moment, query::Answer& answer) {
  CoreNotes notes;
  if (!moment.cpu) {
    answer.notes.emplace_back("the CPU's registers are not known: memory in a file has none");
    return notes;
  }
  elf_prstatus status{};
  status.pr_pid = kFirstCpu;
  status.pr_fpvalid = 1;
  SetRegisters(status, moment.cpu->general);
  notes.AddStruct(NT_PRSTATUS, status);
  notes.AddStruct(NT_PRFPREG, moment.cpu->floating);
  return notes;
}

CoreSegment RamSegment(const Moment& moment) {
  CoreSegment ram;
  ram.address = proto::kKernelBase;
  ram.bytes = ram.file_bytes = moment.memory.ram_bytes();
  ram.flags = PF_R | PF_W | PF_X;
  return ram;
}

// Pages of the process on the CPU, neighbours in neighbouring frames as one. Their content is that
// of RAM, which is first in the file.
std::vector<CoreSegment> UserSegments(const Moment& moment) {
  std::vector<CoreSegment> segments;
  const inspect::Task* task = TaskOnCpu(moment);
  const inspect::Mm* mm =
      task == nullptr ? nullptr : query::MmOfPid(moment.snapshot, task->record.pid);
  if (mm == nullptr) return segments;
  query::ForEachMapping(moment.snapshot, *mm, [&](const query::Mapping& mapping) {
    const uint64_t physical = inspect::PfnOf(mapping.pte) << kPageShift;
    const bool there = inspect::Present(mapping.pte);
    if (!there || physical >= moment.memory.ram_bytes()) return;
    const uint32_t flags = PF_R | (mapping.writable ? PF_W : 0u) |
                           ((mapping.pte & proto::kPteNoExecute) == 0 ? PF_X : 0u);
    if (!segments.empty()) {
      CoreSegment& last = segments.back();
      if (last.address + last.bytes == mapping.address && last.physical + last.bytes == physical &&
          last.flags == flags) {
        last.bytes = last.file_bytes += kPageBytes;
        return;
      }
    }
    segments.push_back({mapping.address, physical, kPageBytes, kPageBytes, physical, flags});
  });
  return segments;
}

absl::Status WriteRam(const Moment& moment, CoreFile& core) {
  uint64_t words[kPageBytes / 8];
  absl::Status status;
  const uint64_t frames = std::min(moment.snapshot.frames.size(), moment.memory.frames());
  for (uint64_t pfn = 0; pfn < frames && status.ok(); ++pfn) {
    if (!query::FrameInUse(moment.snapshot, pfn)) continue;
    moment.memory.LoadPage(pfn, words);
    status = core.Write(pfn << kPageShift, {reinterpret_cast<const char*>(words), sizeof(words)});
  }
  return status;
}

}  // namespace

absl::StatusOr<query::Answer> WriteGuestCore(const Moment& moment, int fd) {
  query::Answer answer;
  const CoreNotes notes = CpuNotes(moment, answer);
  std::vector<CoreSegment> segments = UserSegments(moment);
  if (segments.size() >= kMostSegments) {
    answer.notes.push_back(
        absl::StrCat("the user's pages are left out: they lie in ", segments.size(), " pieces"));
    segments.clear();
  }
  segments.insert(segments.begin(), RamSegment(moment));
  absl::StatusOr<CoreFile> core = CoreFile::Begin(fd, notes, segments);
  if (!core.ok()) return core.status();
  absl::Status written = WriteRam(moment, *core);
  if (written.ok()) written = core->Finish();
  if (!written.ok()) return written;
  return answer;
}

}  // namespace fv::exports
