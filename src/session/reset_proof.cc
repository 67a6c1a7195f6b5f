// SPDX-License-Identifier: Apache-2.0
//
// Frames by their records (proto/records.h), which the guest keeps true.
#include "src/session/reset_proof.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/channel.h"
#include "vmm/clock.h"

namespace fv::session {
namespace {

using proto::ChannelHeader;
using proto::FrameState;
using proto::kPageBytes;

// An object that a pointer of the guest's names, if it is in RAM.
template <typename T>
std::optional<T> LoadAt(const vmm::GuestMemory& memory, proto::GuestPtr pointer) {
  if (!proto::InDirectMap(pointer, memory.size())) return std::nullopt;
  return memory.Load<T>(proto::PhysOfDirectMap(pointer));
}

// Frames that have a place of their own, whatever their records say.
std::string FixedOwner(const proto::BootInfo& boot, uint64_t gpa) {
  if (gpa == proto::kBootInfoPhys) return "boot information and clock";
  if (gpa >= proto::kImagePhys && gpa < boot.image_end_gpa) return "kernel image";
  if (gpa >= boot.image_end_gpa && gpa < boot.channel_gpa) return "boot page tables";
  if (gpa == boot.channel_gpa) return "header of the channel";
  if (gpa > boot.channel_gpa && gpa < boot.channel_gpa + boot.channel_bytes) {
    return "rings of the channel";
  }
  return "";
}

std::string OwnerByRecord(const vmm::GuestMemory& memory, const proto::FrameRecord& record) {
  switch (record.state) {
    case FrameState::kFree:
      return "free";
    case FrameState::kReserved:
      return "reserved at boot";
    case FrameState::kPageTable:
      return absl::StrCat("page table of level ", proto::TableLevel(record.aux));
    case FrameState::kSlab: {
      const auto cache = LoadAt<proto::SlabCacheRecord>(memory, record.aux);
      if (!cache) return "slab";
      const std::string_view name(cache->name, sizeof(cache->name));
      return absl::StrCat("slab ", std::string(name.substr(0, name.find('\0'))));
    }
    case FrameState::kKernelStack: {
      const auto task = LoadAt<proto::TaskRecord>(memory, record.aux);
      return task ? absl::StrCat("kernel stack of pid ", task->pid) : "kernel stack";
    }
    case FrameState::kKernel:
      return "kernel memory";
    case FrameState::kAnon:
      return "anonymous memory";
    case FrameState::kFile:
      return "page of a file";
    case FrameState::kZero:
      return "the zero frame";
  }
  return "of an unknown state";
}

}  // namespace

std::string FrameOwner(const vmm::MachineInterface& machine, uint64_t frame) {
  const vmm::GuestMemory& memory = machine.memory();
  if (std::string fixed = FixedOwner(machine.boot_info(), frame * kPageBytes); !fixed.empty()) {
    return fixed;
  }
  const uint64_t table =
      memory.Load<uint64_t>(machine.channel_gpa() + offsetof(ChannelHeader, frame_table))
          .value_or(0);
  const auto record =
      LoadAt<proto::FrameRecord>(memory, table + frame * sizeof(proto::FrameRecord));
  return record ? OwnerByRecord(memory, *record) : "of an unknown owner";
}

std::vector<std::string> ResetDifferences(vmm::Machine& machine, const vmm::Snapshot& snapshot) {
  const vmm::StateDifference difference = machine.Compare(snapshot);
  std::vector<std::string> lines;
  for (const vmm::PageDifference& page : difference.pages) {
    lines.push_back(absl::StrFormat("frame %d (%s): byte %d is 0x%02x, not 0x%02x", page.frame,
                                    FrameOwner(machine, page.frame), page.offset, page.have,
                                    page.want));
  }
  if (difference.page_count > difference.pages.size()) {
    lines.push_back(
        absl::StrCat("and ", difference.page_count - difference.pages.size(), " more frames"));
  }
  lines.insert(lines.end(), difference.registers.begin(), difference.registers.end());
  return lines;
}

std::vector<std::string> Resetter::Reset() {
  const uint64_t start_ns = vmm::MonotonicNs();
  machine_.Restore(snapshot_);
  const uint64_t restored_ns = vmm::MonotonicNs();
  reset_ns_ += restored_ns - start_ns;
  const bool prove =
      mode_ == ProveReset::kEvery || (mode_ == ProveReset::kSampled && resets_ % kSample == 0);
  ++resets_;
  if (!prove) return {};
  ++proofs_;
  std::vector<std::string> differences = ResetDifferences(machine_, *snapshot_);
  proof_ns_ += vmm::MonotonicNs() - restored_ns;
  return differences;
}

}  // namespace fv::session
