// SPDX-License-Identifier: Apache-2.0
#include "src/oracle/testing/random_history.h"

#include <bit>

namespace fv::oracle::testing {
namespace {

using proto::kPageBytes;

constexpr size_t kMostProcesses = 6;
constexpr size_t kMostVmas = 12;
constexpr size_t kFewestVmas = 2;
// New mappings lie so far apart that none can reach the next one.
constexpr uint64_t kFirstNewAt = 0x60000000;
constexpr uint64_t kNewApart = 0x40000000;

}  // namespace

RandomHistory::RandomHistory(uint32_t seed)
    : random_(seed), processes_{{sample_.child, sample_.child_mm}}, next_address_(kFirstNewAt) {}

void RandomHistory::Operate() {
  const size_t index = Random(processes_.size());
  const auto [task, mm] = processes_[index];
  const std::vector<GuestPtr> vmas = g().Vmas(mm);
  switch (Random(9)) {
    case 0:
      if (processes_.size() < kMostProcesses) Fork(task);
      return;
    case 1:
      if (processes_.size() > 1) Exit(index);
      return;
    case 2:
      if (vmas.size() < kMostVmas) Map(mm);
      return;
    case 3:
      if (vmas.size() > kFewestVmas) g().RemoveVma(vmas[Random(vmas.size())]);
      return;
    case 4:
      g().ProtectReadOnly(vmas[Random(vmas.size())]);
      OpenFile(task);
      return;
    default:
      TouchSome(mm, vmas[Random(vmas.size())]);
  }
}

void RandomHistory::Fork(GuestPtr parent) {
  const GuestPtr child = g().Fork(parent, next_pid_++);
  processes_.push_back({child, g().Peek<proto::TaskRecord>(child).mm});
  if (Random(2) == 0) g().LeadSession(child);
}

void RandomHistory::Exit(size_t index) {
  g().RemoveTask(processes_[index].task);
  processes_.erase(processes_.begin() + static_cast<std::ptrdiff_t>(index));
}

void RandomHistory::Map(GuestPtr mm) {
  const uint64_t flags =
      proto::kVmRead | proto::kVmWrite | (Random(4) == 0 ? proto::kVmDontCopy : 0);
  const uint64_t start = next_address_ + Random(64) * 16 * kPageBytes;
  next_address_ += kNewApart;
  g().AddVma(mm, start, 1 + Random(12), flags);
}

void RandomHistory::OpenFile(GuestPtr task) {
  const GuestPtr files = g().Peek<proto::TaskRecord>(task).files;
  const uint64_t used = g().Peek<proto::FdTableRecord>(files).first.used;
  if (~used != 0) g().OpenFile(task, static_cast<uint32_t>(std::countr_one(used)), g().AddFile());
}

void RandomHistory::TouchSome(GuestPtr mm, GuestPtr address) {
  const proto::VmaRecord vma = g().Peek<proto::VmaRecord>(address);
  for (uint64_t va = vma.start; va < vma.end; va += kPageBytes) {
    if (Random(2) == 0) {
      const bool write = (vma.flags & proto::kVmWrite) != 0 && Random(2) == 0;
      g().Touch(mm, address, va, write ? Access::kWrite : Access::kRead);
    }
  }
}

}  // namespace fv::oracle::testing
