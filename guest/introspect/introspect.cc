// SPDX-License-Identifier: Apache-2.0
//
// The channel's one instance: rings, events, safepoints, the kernel's log and its last words.

#include "guest/introspect/introspect.h"

#include "guest/arch/arch.h"
#include "guest/introspect/event_sites.h"
#include "guest/introspect/rings.h"
#include "guest/introspect/stop_budget.h"
#include "guest/lib/kernel_log.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/lib/wait_queue.h"
#include "proto/layout.h"

namespace fv::guest {
namespace {

using proto::DoorbellReason;
using proto::DoorbellWord;

const proto::BootInfo* boot_info;
proto::ChannelHeader* channel;
constinit RingProducer<proto::EventRecord> events;
constinit RingProducer<proto::ConsoleRecord> console;
constinit RingConsumer<proto::CommandRecord> commands;
// The safepoint that this trap owes, or an earlier one; kNone if none.
constexpr uint8_t kNone = 0xFF;
constinit uint8_t noted = kNone;

constinit StopBudget stops;

bool MayStop() {
  const uint64_t share = boot_info->safepoint_share;
  return share == 0 || stops.Allows(ReadTsc(), proto::kFreeSafepointMs * boot_info->tsc_khz, share);
}

template <typename Record>
void PushOrDrain(RingProducer<Record>& ring, const Record& record) {
  while (ring.Full()) {
    RingDoorbell(DoorbellWord(DoorbellReason::kDrain, 0));
  }
  ring.Push(record);
}

}  // namespace

void InitChannel(const proto::BootInfo& boot) {
  boot_info = &boot;
  channel = reinterpret_cast<proto::ChannelHeader*>(proto::DirectMap(boot.channel_gpa));
  if (channel->magic != proto::kChannelMagic || channel->version != proto::kContractVersion ||
      channel->layout_hash != proto::kLayoutHash) {
    HaltForever();  // another build's host: no word here can be trusted to mean the same
  }
  if (boot.mutant != 0 && !kMutantsBuilt) {
    // A test of the oracle must not pass on a kernel that cannot have the bug.
    Panic("mutant %u asked for, but this kernel was built without them", boot.mutant);
  }
  SetMutant(boot.mutant);
  events = {channel->events, channel};
  console = {channel->console, channel};
  commands = {channel->commands, channel};
  channel->kernel_root_gpa = boot.kernel_root_gpa;
}

proto::ChannelHeader& Channel() { return *channel; }
const proto::BootInfo& Boot() { return *boot_info; }

bool EventWanted(proto::EventKind kind) {
  return ((channel->event_mask | proto::kEventsAlways) & proto::EventBit(kind)) != 0;
}

void EmitEvent(proto::EventKind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
  if (!EventWanted(kind)) [[likely]] {
    return;
  }
  const auto* task = static_cast<const proto::TaskRecord*>(CurrentStackOwner());
  const uint32_t pid = task != nullptr ? task->pid : 0;
  PushOrDrain(events, proto::EventRecord{0, ReadTsc(), kind, 0, pid, a, b, c, d, e});
  NoteEventSite(channel->events.produced - 1, __builtin_return_address(0));
}

void Safepoint(proto::SafepointKind kind) {
  if ((boot_info->flags & proto::kBootSafepoints) == 0) {
    return;
  }
  const uint64_t begin = ReadTsc();
  RingDoorbell(DoorbellWord(DoorbellReason::kSafepoint, static_cast<uint64_t>(kind)));
  if (boot_info->safepoint_share != 0) {
    stops.Count(begin, ReadTsc());
  }
}

void NoteChange(proto::SafepointKind kind) { noted = static_cast<uint8_t>(kind); }

void SafepointIfNoted() {
  if (noted != kNone && MayStop()) {
    SafepointIfOwed();
  }
}

void SafepointIfOwed() {
  if (noted != kNone) {
    const auto kind = static_cast<proto::SafepointKind>(noted);
    noted = kNone;
    Safepoint(kind);
  }
}

void ConsoleWrite(proto::ConsoleStream stream, const char* bytes, uint64_t count) {
  while (count > 0) {
    proto::ConsoleRecord record{};
    record.stream = stream;
    const uint64_t piece = count < sizeof record.data ? count : sizeof record.data;
    record.length = static_cast<uint8_t>(piece);
    memcpy(record.data, bytes, piece);
    PushOrDrain(console, record);
    bytes += piece;
    count -= piece;
  }
}

bool NextCommand(proto::CommandRecord& out) { return commands.Pop(out); }

void WriteLog(uint8_t priority, const char* text, size_t length) {
  KernelLog& log = SystemLog();
  log.Append(priority, MonotonicNs(), text, length);
  if (log.ForConsole(priority)) {
    ConsoleWrite(proto::ConsoleStream::kKernelLog, text, length);
    if (length == 0 || text[length - 1] != '\n') {
      ConsoleWrite(proto::ConsoleStream::kKernelLog, "\n", 1);
    }
  }
}

void Log(const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  const size_t length = FormatV(line, sizeof line, format, arguments);
  va_end(arguments);
  WriteLog(static_cast<uint8_t>(SystemLog().levels.message), line,
           length < sizeof line ? length : sizeof line - 1);
}

void Panic(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  FormatV(channel->panic_message, sizeof channel->panic_message, format, arguments);
  va_end(arguments);
  HaltForever();
}

}  // namespace fv::guest

// Called by the compiler's code: a function found another canary than it had put down.
extern "C" [[noreturn]] void __stack_chk_fail() {
  const auto* task = static_cast<const fv::proto::TaskRecord*>(fv::guest::CurrentStackOwner());
  fv::guest::Panic("kernel stack smashed: pid %u (%.15s)", task != nullptr ? task->pid : 0,
                   task != nullptr ? task->comm : "no task");
}
