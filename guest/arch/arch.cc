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
bool polled;

// The host only sees memory: it is told by a byte to a port, and answers in memory.
void RingPolled(uint64_t word) {
  auto& mailbox = *reinterpret_cast<volatile proto::Mailbox*>(doorbell);
  mailbox.tsc = ReadCpuTsc();
  mailbox.word = word;
  asm volatile("outb %%al, %0" : : "i"(FV_DOORBELL_PORT), "a"(0));
  while (mailbox.word != 0) {
    asm volatile("pause");
  }
}

}  // namespace

void InitArch(const proto::BootInfo& boot) {
  doorbell =
      reinterpret_cast<volatile uint64_t*>(proto::DirectMap(proto::DoorbellPhys(boot.ram_bytes)));
  polled = (boot.flags & proto::kBootPolledDoorbell) != 0;
  InitClock(boot);
  InitUserRegisters(boot);
  InitTraps(boot);
}

void RingDoorbell(uint64_t word) {
  asm volatile("" : : : "memory");  // the host sees everything that was written before
  if (polled) {
    RingPolled(word);
  } else {
    *doorbell = word;
  }
  asm volatile("" : : : "memory");
}

void HaltForever() {
  for (;;) {
    RingDoorbell(proto::DoorbellWord(proto::DoorbellReason::kPanic, 0));
  }
}

}  // namespace fv::guest
