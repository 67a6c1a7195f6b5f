// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/guest_view.h"

#include <algorithm>

#include "proto/pte.h"
#include "src/inspect/channel_view.h"
#include "src/inspect/structures.h"
#include "src/session/machine_view.h"

namespace fv::gdb {
namespace {

using proto::Pte;

// A 4-level walk. nullopt: no page there, or tables that make no sense.
std::optional<GuestView::Place> Walk(const inspect::MemoryReader& memory, uint64_t root,
                                     uint64_t address) {
  uint64_t table = root;
  bool writable = true;
  for (unsigned level = proto::kPageTableLevels; level > 0; --level) {
    if (table % proto::kPageBytes != 0 || !memory.Contains(table, proto::kPageBytes)) break;
    const Pte entry = memory.Word(table + sizeof(Pte) * proto::TableIndex(address, level));
    if ((entry & proto::kPtePresent) == 0) break;
    writable = writable && (entry & proto::kPteWritable) != 0;
    const bool huge =
        level > 1 && level < proto::kPageTableLevels && (entry & proto::kPteHuge) != 0;
    if (level > 1 && !huge) {
      table = entry & proto::kPteFrameMask;
      continue;
    }
    const uint64_t span = proto::EntrySpan(level);
    const uint64_t gpa = (entry & proto::kPteFrameMask & ~(span - 1)) + address % span;
    if (!memory.Contains(gpa, 1)) break;
    return GuestView::Place{gpa, writable};
  }
  return std::nullopt;
}

}  // namespace

GuestView::GuestView(const vmm::MachineInterface& machine)
    : memory_(session::ReaderOf(machine)),
      channel_gpa_(machine.boot_info().channel_gpa),
      channel_bytes_(machine.boot_info().channel_bytes) {}

void GuestView::Refresh() {
  tasks_.clear();
  current_pid_ = 0;
  const auto channel = inspect::ChannelView::Open(memory_, channel_gpa_, channel_bytes_);
  if (!channel.ok()) return;
  const auto header = channel->LiveHeader();
  if (!header.ok()) return;
  std::vector<inspect::Malformed> malformed;
  frame_table_ = header->frame_table;
  tasks_ = inspect::ReadTasks(memory_, *header, malformed);
  const std::vector<proto::CpuRecord> cpus = inspect::ReadCpus(memory_, *header, malformed);
  inspect::Task current;
  if (!cpus.empty() && inspect::ReadTask(memory_, cpus.front().current, current)) {
    current_pid_ = current.record.pid;
  }
}

const inspect::Task* GuestView::Find(uint64_t pid) const {
  if (pid == 0) return nullptr;
  const auto found = std::find_if(tasks_.begin(), tasks_.end(), [&](const inspect::Task& task) {
    return task.record.pid == pid;
  });
  return found == tasks_.end() ? nullptr : &*found;
}

std::optional<GuestView::Place> GuestView::Locate(const inspect::Task* task,
                                                  uint64_t address) const {
  if (proto::InDirectMap(address, memory_.ram_bytes())) {
    return Place{proto::PhysOfDirectMap(address), true};
  }
  if (task == nullptr || address >= proto::kUserEnd) return std::nullopt;
  return LocateIn(task->record.mm, address);
}

std::optional<GuestView::Place> GuestView::LocateIn(proto::GuestPtr mm, uint64_t address) const {
  proto::MmRecord record;
  if (!memory_.ReadPtr(mm, record) || record.magic != proto::kMmMagic) return std::nullopt;
  return Walk(memory_, record.root_gpa, address);
}

std::vector<inspect::Vma> GuestView::VmasOf(proto::GuestPtr mm) const {
  inspect::Mm space{};
  space.address = mm;
  if (!memory_.ReadPtr(mm, space.record) || space.record.magic != proto::kMmMagic) return {};
  std::vector<inspect::Malformed> malformed;
  inspect::ReadVmas(memory_, space, malformed);
  return std::move(space.vmas);
}

std::optional<uint64_t> GuestView::LocateInFile(proto::GuestPtr mm, uint64_t address) const {
  for (const inspect::Vma& vma : VmasOf(mm)) {
    const proto::VmaRecord& record = vma.record;
    if (address < record.start || address >= record.end || record.object == 0) continue;
    const uint64_t index = record.page_offset + ((address - record.start) >> proto::kPageShift);
    const uint64_t pfn = inspect::LookupObjectPage(memory_, record.object, index);
    if (pfn == 0) return std::nullopt;
    return (pfn << proto::kPageShift) + address % proto::kPageBytes;
  }
  return std::nullopt;
}

proto::GuestPtr GuestView::ExecutableOf(proto::GuestPtr mm) const {
  for (const inspect::Vma& vma : VmasOf(mm)) {
    if (vma.record.object != 0) return vma.record.object;
  }
  return 0;
}

proto::FrameRecord GuestView::FrameOf(uint64_t gpa) const {
  proto::FrameRecord frame{};
  (void)memory_.ReadPtr(frame_table_ + (gpa >> proto::kPageShift) * sizeof(frame), frame);
  return frame;
}

}  // namespace fv::gdb
