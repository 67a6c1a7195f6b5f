// SPDX-License-Identifier: Apache-2.0
//
// A phase is the cycles since the mark before it. The end of a fork is told at once, the way back
// to the program when the parent leaves the kernel.

#include "guest/task/fork_clock.h"

#include "guest/task/clone_args.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// A fork whose ForkEnd waits for the way back to the program. Per CPU.
struct PendingEnd {
  uint64_t since;  // TSC; 0: none
  uint32_t child_pid;
  ForkCounts counts;
};
constinit PendingEnd g_pending{};

void EmitPhase(proto::ForkPhase phase, uint64_t cycles) {
  EmitEvent(proto::EventKind::kForkPhase, static_cast<uint64_t>(phase), cycles,
            Channel().free_frames);
}

void EmitEnd(uint32_t child_pid, const ForkCounts& counts, int error) {
  EmitEvent(proto::EventKind::kForkEnd, child_pid, counts.ptes, counts.tables, counts.vmas,
            static_cast<uint64_t>(error));
}

}  // namespace

ForkClock::ForkClock(const CloneArgs& args, const Task& parent)
    : wanted_(EventWanted(proto::EventKind::kForkPhase)),
      vfork_((args.flags & kCloneVfork) != 0),
      last_(wanted_ ? ReadTsc() : 0) {
  EmitEvent(proto::EventKind::kForkBegin, args.flags, AddressOf(parent.mm()), Channel().free_frames,
            args.exit_signal, args.child_tid);
}

void ForkClock::Mark(proto::ForkPhase phase) {
  if (!wanted_) {
    return;
  }
  const uint64_t now = ReadTsc();
  EmitPhase(phase, now - last_);
  last_ = ReadTsc();
}

void ForkClock::MarkMm() {
  if (!wanted_) {
    return;
  }
  const uint64_t now = ReadTsc();
  const uint64_t whole = now - last_;
  const uint64_t vmas = counts.vma_cycles < whole ? counts.vma_cycles : whole;
  EmitPhase(proto::ForkPhase::kVmas, vmas);
  EmitPhase(proto::ForkPhase::kTables, whole - vmas);
  last_ = ReadTsc();
}

void ForkClock::End(uint32_t child_pid) {
  if (!wanted_ || vfork_) {
    EmitEnd(child_pid, counts, 0);
    return;
  }
  g_pending = {ReadTsc(), child_pid, counts};
}

void ForkClock::Fail(Error error) { EmitEnd(0, counts, error.number()); }

void MarkForkReturn() {
  if (g_pending.since == 0) [[likely]] {
    return;
  }
  EmitPhase(proto::ForkPhase::kReturn, ReadTsc() - g_pending.since);
  EmitEnd(g_pending.child_pid, g_pending.counts, 0);
  g_pending.since = 0;
}

}  // namespace fv::guest
