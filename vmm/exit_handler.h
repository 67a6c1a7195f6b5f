// SPDX-License-Identifier: Apache-2.0
//
// Policy for exits: a function of the exit and of what stands at the guest's doorbell. No KVM in
// here, so every exit can be made up in a test. An exit that has no meaning here is an error:
// it is never skipped.
#pragma once

#include <cstdint>
#include <string>

#include "proto/channel.h"
#include "vmm/exit.h"

namespace fv::vmm {

enum class Next { kContinue, kStop };

// What the embedding program does when the guest calls. Called on the vCPU's thread while the
// vCPU stands still; may read and write guest memory (but no loaded page table).
class Ports {
 public:
  virtual ~Ports() = default;
  // The guest wrote proto::DoorbellWord(reason, argument). `reason` is one of the enumerators;
  // `argument` is the guest's and unchecked. kStop ends Machine::Run with RunEnd::kStopped; a
  // later Run continues after the doorbell.
  virtual Next OnDoorbell(proto::DoorbellReason reason, uint64_t argument) = 0;
  // The host's tick (MachineConfig::tick_ns, else every kHousekeepingNs): time to drain rings or
  // to look at the console. Does not mean that the guest got a tick.
  virtual Next OnTick() { return Next::kContinue; }
};

enum class ExitAction {
  kContinue,  // run on
  kStop,      // a port asked to stop
  kKicked,    // no guest event: look at timers
  kWindow,    // the guest can take an interrupt now
  kError,     // the guest did what no guest may do: `message`
};

struct HandledExit {
  ExitAction action;
  std::string message;  // for kError: one sentence without a register dump
};

// `doorbell_gpa` is proto::DoorbellPhys(ram_bytes).
HandledExit HandleExit(const Exit& exit, uint64_t doorbell_gpa, Ports& ports);

}  // namespace fv::vmm
