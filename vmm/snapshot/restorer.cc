// SPDX-License-Identifier: Apache-2.0
//
// See restorer.h; docs/snapshots.md has the order of things and what they cost.
#include "vmm/snapshot/restorer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "proto/channel.h"
#include "proto/clock.h"
#include "vmm/error.h"
#include "vmm/frame_bits.h"

namespace fv::vmm {
namespace {

using proto::ChannelHeader;
using proto::kPageBytes;
using proto::RestoreWord;

constexpr uint64_t kRoutinePeriodNs = 20'000'000;
// Times that the timer may interrupt the guest's routine, which takes microseconds.
constexpr int kMostInterruptions = 500;
constexpr uint64_t kRflagsAlwaysOne = 0x2;
// What the routine rings with: no reason of the kernel's own.
constexpr uint64_t kRoutineWord = 0xFF | uint64_t{0x524553} << 8;

alignas(8) constexpr uint8_t kZeroPage[kPageBytes] = {};

const uint8_t* PageOrZeros(const RamImage& image, uint64_t frame) {
  const uint8_t* page = image.Page(frame);
  return page == nullptr ? kZeroPage : page;
}

class Stopwatch {
 public:
  // ns since the last call.
  uint64_t Lap() {
    const uint64_t now = MonotonicNs();
    return now - std::exchange(last_, now);
  }

 private:
  uint64_t last_ = MonotonicNs();
};

}  // namespace

Restorer::Restorer(const Kvm& kvm, const RestorerParts& parts, const kvm_sregs& kernel_sregs,
                   Snapshot facts)
    : parts_(parts),
      kernel_sregs_(kernel_sregs),
      facts_(std::move(facts)),
      msrs_(StateMsrs(kvm, parts.vcpu)),
      xsave_bytes_(vmm::XsaveBytes(kvm)),
      window_{(facts_.boot.channel_gpa + proto::kRestoreOffset) / kPageBytes,
              (facts_.boot.channel_gpa + proto::kChannelBytes) / kPageBytes},
      table_map_gpa_(0),
      tables_(parts.memory.size() / kPageBytes / 64) {}

std::shared_ptr<const Snapshot> Restorer::Take(const Tick& tick) {
  parts_.vcpu.FinishExit();
  auto snapshot = std::make_shared<Snapshot>(facts_);
  snapshot->kernel_tsc = parts_.clock.Now();
  snapshot->cpu = ReadVcpuState(parts_.vcpu, msrs_, xsave_bytes_);
  snapshot->tick = tick;
  if (origin_) {
    parts_.dirty_log.Take(DirtyLog::Reader::kReset, dirty_);
    NoteTables(dirty_);
    snapshot->ram = RamImage::Changes(origin_->ram, parts_.memory, window_, dirty_);
  } else {
    parts_.dirty_log.Start(DirtyLog::Reader::kReset);
    snapshot->ram = RamImage::Copy(parts_.memory, window_);
    // Everything until now happened in this VM.
    NoteTables(std::vector<uint64_t>(tables_.size(), ~uint64_t{0}));
  }
  origin_ = snapshot;
  return snapshot;
}

void Restorer::Adopt(std::shared_ptr<const Snapshot> snapshot) {
  origin_ = std::move(snapshot);
  parts_.dirty_log.Start(DirtyLog::Reader::kReset);
  NoteTables(std::vector<uint64_t>(tables_.size(), ~uint64_t{0}));
  SetClock(*origin_);
  WriteVcpuState(parts_.vcpu, origin_->cpu);
}

RestoreStats Restorer::Restore(const std::shared_ptr<const Snapshot>& snapshot) {
  RestoreStats stats;
  Stopwatch watch;
  parts_.vcpu.FinishExit();
  parts_.dirty_log.Take(DirtyLog::Reader::kReset, dirty_);
  if (!origin_ || !RamImage::AddDifference(*origin_->ram, *snapshot->ram, dirty_)) {
    throw VmmError(VmmErrorKind::kBadConfig, "this snapshot is not one of this machine");
  }
  NoteTables(dirty_);
  stats.log_ns = watch.Lap();
  RestoreMemory(*snapshot->ram, stats);
  stats.memory_ns = watch.Lap();
  if (how_ == TableRestore::kRemakeSlot) {
    parts_.vm.RemakeSlot();
    // Nothing is remembered of any page table.
    std::fill(tables_.begin(), tables_.end(), 0);
    NoteTables(std::vector<uint64_t>(tables_.size(), ~uint64_t{0}));
  } else if (!words_.empty()) {
    LetGuestWrite();
  }
  stats.guest_ns = watch.Lap();
  origin_ = snapshot;
  SetClock(*snapshot);
  WriteVcpuState(parts_.vcpu, snapshot->cpu);
  stats.registers_ns = watch.Lap();
  return stats;
}

// The kernel's time goes on where it stood. With a virtual clock it is a word in RAM like any
// other.
void Restorer::SetClock(const Snapshot& snapshot) {
  if ((facts_.boot.flags & proto::kBootDeterministic) != 0) return;
  parts_.clock.SetNow(snapshot.kernel_tsc);
  (void)parts_.memory.Store(proto::kClockPhys + offsetof(proto::ClockWords, tsc_offset),
                            parts_.clock.kernel_offset());
}

// The guest's word is believed: a guest that lies about its page tables spoils its own results.
void Restorer::NoteTables(const std::vector<uint64_t>& dirty) {
  const GuestMemory& memory = parts_.memory;
  if (table_map_gpa_ == 0) {
    const uint64_t map =
        memory.Load<uint64_t>(facts_.boot.channel_gpa + offsetof(ChannelHeader, table_frames))
            .value_or(0);
    if (!proto::InDirectMap(map, memory.size()) || map % kPageBytes != 0 ||
        !memory.Contains(proto::PhysOfDirectMap(map), tables_.size() * sizeof(uint64_t))) {
      return;  // the kernel has not got so far, or is none of ours
    }
    table_map_gpa_ = proto::PhysOfDirectMap(map);
  }
  for (size_t i = 0; i < tables_.size(); ++i) {
    if (dirty[i] == 0) continue;
    tables_[i] |= memory.Load<uint64_t>(table_map_gpa_ + i * sizeof(uint64_t)).value_or(0);
  }
}

// Leaves words for the guest, no more than the window holds: if there are more the guest writes
// those before. It may lie about its tables, and all of its memory may differ.
void Restorer::RestoreMemory(const RamImage& image, RestoreStats& stats) {
  constexpr uint64_t kWordsOfFrame = kPageBytes / sizeof(uint64_t);
  const auto is_the_guests = [this](uint64_t frame) {
    return how_ == TableRestore::kGuestWrites && IsTable(frame);
  };
  const auto is_left = [this](uint64_t frame) {
    return window_.Contains(frame) || frame == left_out_;
  };
  ForEachFrame(dirty_, [&](uint64_t frame) {
    if (is_left(frame) || is_the_guests(frame)) return;
    ++stats.pages;
    std::memcpy(parts_.memory.host_base() + frame * kPageBytes, PageOrZeros(image, frame),
                kPageBytes);
  });
  words_.clear();
  ForEachFrame(dirty_, [&](uint64_t frame) {
    if (is_left(frame) || !is_the_guests(frame)) return;
    if (words_.size() + kWordsOfFrame > proto::kRestoreWords) LetGuestWrite();
    ++stats.table_pages;
    const size_t before = words_.size();
    CollectWords(frame, PageOrZeros(image, frame));
    stats.words += words_.size() - before;
  });
}

void Restorer::CollectWords(uint64_t frame, const uint8_t* want) {
  const uint8_t* have = parts_.memory.host_base() + frame * kPageBytes;
  for (uint64_t offset = 0; offset < kPageBytes; offset += sizeof(uint64_t)) {
    uint64_t old_word;
    uint64_t new_word;
    std::memcpy(&old_word, have + offset, sizeof(old_word));
    std::memcpy(&new_word, want + offset, sizeof(new_word));
    if (old_word == new_word) continue;
    words_.push_back({proto::DirectMap(frame * kPageBytes + offset), new_word});
  }
}

void Restorer::LetGuestWrite() {
  // Nothing that was about to happen to the guest may happen to the routine.
  VcpuState quiet{};
  quiet.mp.mp_state = KVM_MP_STATE_RUNNABLE;
  // No shadow of a STI either: a CPU refuses to enter with one and interrupts off.
  quiet.events.flags = KVM_VCPUEVENT_VALID_SHADOW;
  WriteVcpuEvents(parts_.vcpu, quiet.mp, quiet.events);
  const uint64_t window_gpa = facts_.boot.channel_gpa + proto::kRestoreOffset;
  const uint64_t bytes = words_.size() * sizeof(RestoreWord);
  std::memcpy(parts_.memory.Span(window_gpa, bytes).data(), words_.data(), bytes);
  RunRoutine(words_.size());
  // The host's copy of the dirty log knows nothing of these writes: they brought a page back, and a
  // page that is named once more costs a look at it.
  words_.clear();
}

void Restorer::RunRoutine(uint64_t count) {
  const uint64_t doorbell = proto::DoorbellPhys(parts_.memory.size());
  kvm_regs regs{};
  regs.rip = proto::DirectMap(proto::kRestoreEntryPhys);
  regs.rflags = kRflagsAlwaysOne;
  regs.rdi = proto::DirectMap(facts_.boot.channel_gpa + proto::kRestoreOffset);
  regs.rcx = count;
  regs.rbx = kRoutineWord;
  regs.rdx = proto::DirectMap(doorbell);
  parts_.vcpu.SetSregs(kernel_sregs_);
  parts_.vcpu.SetRegs(regs);
  const KickerArmed armed(parts_.kicker, kRoutinePeriodNs);
  for (int interruptions = 0; interruptions < kMostInterruptions; ++interruptions) {
    const Exit exit = parts_.vcpu.Run();
    if (std::holds_alternative<Interrupted>(exit)) continue;
    const auto* ring = std::get_if<MmioWrite>(&exit);
    if (ring == nullptr || ring->gpa != doorbell || ring->value != kRoutineWord) {
      throw VmmError(VmmErrorKind::kSystem, "the guest's restore routine ended with " +
                                                Describe(exit) + "\n" +
                                                parts_.vcpu.DumpRegisters());
    }
    return parts_.vcpu.FinishExit();
  }
  throw VmmError(VmmErrorKind::kSystem, "the guest's restore routine does not end");
}

bool Restorer::FrameDiffers(uint64_t frame, const uint8_t* want, StateDifference& out) const {
  const uint8_t* have = parts_.memory.host_base() + frame * kPageBytes;
  if (std::memcmp(have, want, kPageBytes) == 0) return false;
  uint64_t first = static_cast<uint64_t>(std::mismatch(have, have + kPageBytes, want).first - have);
  if (frame == proto::kClockPhys / kPageBytes) {
    // The one word that has to differ: what brings the kernel's time back.
    constexpr uint64_t kOffset =
        proto::kClockPhys % kPageBytes + offsetof(proto::ClockWords, tsc_offset);
    constexpr uint64_t kBehind = kOffset + sizeof(uint64_t);
    if (std::memcmp(have, want, kOffset) == 0) {
      first = static_cast<uint64_t>(
          std::mismatch(have + kBehind, have + kPageBytes, want + kBehind).first - have);
    }
    if (first == kPageBytes) return false;
  }
  ++out.page_count;
  if (out.pages.size() < StateDifference::kMostPages) {
    out.pages.push_back({frame, first, have[first], want[first]});
  }
  return true;
}

StateDifference Restorer::Compare(const Snapshot& snapshot) {
  StateDifference difference;
  std::vector<uint64_t> frames;
  parts_.memory.TouchedFrames(frames);
  for (const FrameRange& run : snapshot.ram->Runs(1)) {
    for (uint64_t frame = run.first; frame < run.end; ++frame) AddFrame(frames, frame);
  }
  ForEachFrame(frames, [&](uint64_t frame) {
    if (!window_.Contains(frame)) {
      FrameDiffers(frame, PageOrZeros(*snapshot.ram, frame), difference);
    }
  });
  difference.registers =
      DifferencesOf(ReadVcpuState(parts_.vcpu, msrs_, xsave_bytes_), snapshot.cpu);
  return difference;
}

}  // namespace fv::vmm
