// SPDX-License-Identifier: Apache-2.0
//
// The kernel's side of the channel (proto/channel.h): events, safepoints, console rings, commands.
// Locking: one vCPU; ring producers run with interrupts off, which kernel code always does.
#pragma once

#include <cstdint>

#include "proto/channel.h"

namespace fv::guest {

// Maps the channel and publishes nothing yet. Checks the host's magic and layout hash.
void InitChannel(const proto::BootInfo& boot);
// The header, for owners of the roots and counters to fill in their fields.
proto::ChannelHeader& Channel();
const proto::BootInfo& Boot();

bool EventWanted(proto::EventKind kind);
// Appends an event if its kind is wanted. Costs one load and a test otherwise.
void EmitEvent(proto::EventKind kind, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0,
               uint64_t d = 0, uint64_t e = 0);
// The host looks at the guest now if it asked for safepoints (BootFlag::kBootSafepoints).
void Safepoint(proto::SafepointKind kind);
// Operations that change address spaces or tasks call this; the safepoint itself happens on the
// way out of the trap, when the kernel's structures are consistent.
void NoteChange(proto::SafepointKind kind);
// Called once on the way out of every trap: the safepoint that the noted change is owed, unless
// stops have had their share of the time (BootInfo::safepoint_share).
void SafepointIfNoted();
// Where the time does not matter: the safepoint that is still owed.
void SafepointIfOwed();

void ConsoleWrite(proto::ConsoleStream stream, const char* bytes, uint64_t count);
// A message into the kernel's log (guest/lib/kernel_log.h), and as a line to the host if its
// priority is urgent enough for the console.
void WriteLog(uint8_t priority, const char* text, size_t length);
// Next command from the host into `out`; false if there is none.
bool NextCommand(proto::CommandRecord& out);

// True when this allocation has to fail on purpose (proto/fail.h). Every allocator asks.
bool FailInjected();
// A moment that the host may have named has come: the host looks (ChannelHeader::moment), and its
// plan of failing allocations begins, if this is the one.
void ReachMoment(proto::FailTrigger trigger, uint64_t value);
// A plan of the program's own, in place of any other: kPrFailNth.
uint64_t FailNth(uint64_t number);

}  // namespace fv::guest
