// SPDX-License-Identifier: Apache-2.0
//
// Which allocations fail on purpose (proto/fail.h).
// Locking: one vCPU; the plan is read with interrupts off, which kernel code always has.
#include "proto/fail.h"

#include "guest/arch/arch.h"
#include "guest/arch/callers.h"
#include "guest/introspect/introspect.h"

namespace fv::guest {
namespace {

using proto::FailMode;

// xorshift64: good enough for choosing, and the same sequence for the same seed everywhere.
uint32_t NextRandom(uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<uint32_t>(state >> 32);
}

bool IsChosen(proto::FailControl& fail) {
  switch (fail.active) {
    case FailMode::kNth:
      return fail.counted == fail.number;
    case FailMode::kEvery:
      return fail.number != 0 && fail.counted % fail.number == 0;
    case FailMode::kProbability:
      return NextRandom(fail.random) < fail.number;
    case FailMode::kOff:
      break;
  }
  return false;
}

}  // namespace

bool FailInjected() {
  proto::FailControl& fail = Channel().fail;
  if (fail.active == FailMode::kOff) [[likely]] {
    return false;
  }
  ++fail.counted;
  if (!IsChosen(fail)) {
    return false;
  }
  ++fail.failed;
  // Those above the allocator that asks.
  const Callers<4> callers = CallersOf<4>(__builtin_frame_address(0), 1);
  EmitEvent(proto::EventKind::kFailedAllocation, fail.counted, callers.at[0], callers.at[1],
            callers.at[2], callers.at[3]);
  return true;
}

void ReachMoment(proto::FailTrigger trigger, uint64_t value) {
  proto::Moment& moment = Channel().moment;
  if (moment.trigger == trigger && moment.value == value) [[unlikely]] {
    moment.trigger = proto::FailTrigger::kNone;
    RingDoorbell(proto::DoorbellWord(proto::DoorbellReason::kMoment, 0));
  }
  proto::FailControl& fail = Channel().fail;
  if (fail.trigger != trigger || fail.trigger_value != value) [[likely]] {
    return;
  }
  fail.trigger = proto::FailTrigger::kNone;
  fail.counted = 0;
  fail.random = fail.seed;
  fail.active = fail.mode;
}

uint64_t FailNth(uint64_t number) {
  proto::FailControl& fail = Channel().fail;
  fail.trigger = proto::FailTrigger::kNone;
  fail.counted = 0;
  fail.number = number;
  fail.active = number == 0 ? FailMode::kOff : FailMode::kNth;
  return fail.failed;
}

}  // namespace fv::guest
