// SPDX-License-Identifier: Apache-2.0
//
// What a fork cost and where: TSC cycles of each phase, sent as events when the host wants them.
// Costs one test a phase otherwise.
#pragma once

#include <cstdint>

#include "guest/arch/arch.h"
#include "guest/introspect/introspect.h"
#include "guest/mm/fork.h"
#include "proto/events.h"

namespace fv::guest {

class Task;
struct CloneArgs;

class ForkClock {
 public:
  ForkClock(const CloneArgs& args, const Task& parent);
  ForkClock(const ForkClock&) = delete;

  // The phase that ends now.
  void Mark(proto::ForkPhase phase);
  // The phases Vmas and Tables, which DupMm measured itself.
  void MarkMm();
  // ForkEnd: after the phase Return where the parent goes straight back to its program, at once
  // where it waits for a vfork.
  void End(uint32_t child_pid);
  void Fail(Error error);

  ForkCounts counts;

 private:
  bool wanted_;
  bool vfork_;
  uint64_t last_;
};

// The phase Return, from CopyProcess's end to here, and the ForkEnd that waits for it. Called on
// the way out of every trap.
void MarkForkReturn();

}  // namespace fv::guest
