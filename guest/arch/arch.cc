// SPDX-License-Identifier: Apache-2.0
//
// Boot of guest/arch and the way to the host.

#include "guest/arch/arch.h"

#include "guest/arch/cpu_state.h"
#include "proto/channel.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {
volatile uint64_t* doorbell;
}

void InitArch(const proto::BootInfo& boot) {
  doorbell =
      reinterpret_cast<volatile uint64_t*>(proto::DirectMap(proto::DoorbellPhys(boot.ram_bytes)));
  InitClock(boot);
  InitUserRegisters(boot);
  InitTraps(boot);
}

void RingDoorbell(uint64_t word) {
  asm volatile("" : : : "memory");  // the host sees everything that was written before
  *doorbell = word;
  asm volatile("" : : : "memory");
}

void HaltForever() {
  for (;;) {
    RingDoorbell(proto::DoorbellWord(proto::DoorbellReason::kPanic, 0));
  }
}

}  // namespace fv::guest
