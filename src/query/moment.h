// SPDX-License-Identifier: Apache-2.0
//
// A moment of a guest that questions are asked about: its structures as a snapshot, its last
// events, and its memory - the live one, while the guest stands still, or a copy that outlives it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/events.h"
#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "src/inspect/snapshot.h"
#include "src/query/cpu_registers.h"
#include "vmm/mapping.h"

namespace fv::query {

// What of memory a moment has.
enum class Contents : uint8_t {
  kAll,
  kTables,  // page tables alone: a recording's
};

struct Moment {
  inspect::Snapshot snapshot;
  std::vector<proto::EventRecord> events;  // what the ring still holds, oldest first
  inspect::MemoryReader memory;
  std::optional<vmm::Mapping> copy;  // what `memory` reads, if it is a copy
  std::optional<CpuRegisters> cpu;   // nullopt: not known
  Contents contents = Contents::kAll;
  // With kTables: names of mapped files, by Vma::address.
  std::map<proto::GuestPtr, std::string> paths;
  // Names of the kernel's fork strategies, by MmRecord::fork_strategy; empty if not known.
  std::vector<std::string> strategies;
};

// Where the guest's RAM lies and where in it the channel is.
struct GuestRam {
  inspect::MemoryReader memory;
  uint64_t channel_gpa = 0;
  uint64_t channel_bytes = 0;
};

// RAM from address 0 on, as a file of QEMU or of `inspect save` has it: the boot information at its
// fixed place says where the channel is. Errors: DataLoss (no guest of this build is in there).
absl::StatusOr<GuestRam> FindGuest(const inspect::MemoryReader& memory);

// kLive: `memory` is the guest's own and must not be read once it runs on. kCopy: the frames in use
// are copied, so that the moment costs as much memory as the guest uses.
enum class Keep { kLive, kCopy };
absl::StatusOr<Moment> TakeMoment(const GuestRam& ram, Keep keep);

// Of the file that a mapping shows; "": none, or it has no name.
std::string PathOf(const Moment& moment, const inspect::Vma& vma);

// What is in use: every frame below the high-water mark that is not free.
bool FrameInUse(const inspect::Snapshot& snapshot, uint64_t pfn);

}  // namespace fv::query
