// SPDX-License-Identifier: Apache-2.0
//
// Tables of names come from the X-macros of proto, so a new event kind is rendered without a
// change here.
#include "src/inspect/render.h"

#include <cstdio>
#include <string_view>

#include "proto/layout.h"
#include "src/inspect/list_walk.h"

namespace fv::inspect {
namespace {

constexpr EventNames kEventNames[] = {
#define FV_X(name, text, a, b, c, d, e) {text, {a, b, c, d, e}},
    FV_EVENT_KINDS(FV_X)
#undef FV_X
};

constexpr const char* kPhaseNames[] = {
#define FV_X(name, text) text,
    FV_FORK_PHASES(FV_X)
#undef FV_X
};

// Names of arguments that are addresses, frame numbers, bits or the status of wait(2): in hex,
// however small.
bool IsHex(std::string_view name) {
  return name.ends_with("pfn") || name.ends_with("mm") || name.ends_with("flags") ||
         name == "address" || name == "rip" || name == "start" || name == "end" ||
         name == "entry" || name == "status";
}

// Names of arguments that are amounts: never in hex. Others are by their size.
bool IsAmount(std::string_view name) {
  return name == "cycles" || name == "free_frames" || name == "bytes";
}

// "(fork)" for 57; nothing for what is no system call.
std::string CallName(uint64_t number) {
  switch (number) {
#define FV_SYSCALL(number, name, ...) \
  case number:                        \
    return "(" #name ")";
#include "proto/syscalls.def"
#undef FV_SYSCALL
  }
  return "";
}

std::string Argument(const proto::EventRecord& event, unsigned index, std::string_view name,
                     uint64_t value) {
  if (event.kind == proto::EventKind::kForkPhase && index == 0 &&
      value < static_cast<uint64_t>(proto::ForkPhase::kCount)) {
    return kPhaseNames[value];
  }
  if (name == "nr") {
    return std::to_string(value) + CallName(value);
  }
  if (name == "result" && value > -proto::kPageBytes) {  // an error, as the kernel has it: -ENOENT
    return std::to_string(static_cast<int64_t>(value));
  }
  const bool hex = IsHex(name) || (value >= 65536 && !IsAmount(name));
  return hex ? Hex(value) : std::to_string(value);
}

}  // namespace

std::string PteText(proto::Pte pte) {
  std::string text = Hex(pte) + " ";
  const struct {
    proto::Pte bit;
    char letter;
  } bits[] = {
      {proto::kPtePresent, 'P'}, {proto::kPteWritable, 'W'},    {proto::kPteCow, 'C'},
      {proto::kPteZero, 'Z'},    {proto::kPteSharedTable, 'S'}, {proto::kPteUser, 'U'},
  };
  for (const auto& bit : bits) {
    text += (pte & bit.bit) != 0 ? bit.letter : '-';
  }
  text += (pte & proto::kPteNoExecute) == 0 ? 'X' : '-';
  text += (pte & proto::kPteAccessed) != 0 ? 'A' : '-';
  text += (pte & proto::kPteDirty) != 0 ? 'D' : '-';
  return text + " frame " + Hex((pte & proto::kPteFrameMask) >> proto::kPageShift);
}

const char* FrameStateName(proto::FrameState state) {
  switch (state) {
    case proto::FrameState::kFree:
      return "free";
    case proto::FrameState::kReserved:
      return "reserved";
    case proto::FrameState::kPageTable:
      return "page-table";
    case proto::FrameState::kSlab:
      return "slab";
    case proto::FrameState::kKernelStack:
      return "kernel-stack";
    case proto::FrameState::kKernel:
      return "kernel";
    case proto::FrameState::kAnon:
      return "anon";
    case proto::FrameState::kFile:
      return "file";
    case proto::FrameState::kZero:
      return "zero";
  }
  return "unknown-state";
}

const char* TaskStateName(proto::TaskState state) {
  switch (state) {
    case proto::TaskState::kRunning:
      return "running";
    case proto::TaskState::kInterruptible:
      return "interruptible";
    case proto::TaskState::kUninterruptible:
      return "uninterruptible";
    case proto::TaskState::kStopped:
      return "stopped";
    case proto::TaskState::kZombie:
      return "zombie";
    case proto::TaskState::kDead:
      return "dead";
    case proto::TaskState::kNew:
      return "new";
  }
  return "unknown-state";
}

std::string FrameText(uint64_t pfn, const proto::FrameRecord& frame) {
  std::string text = "frame " + Hex(pfn) + " " + FrameStateName(frame.state) + " refs " +
                     std::to_string(frame.refs) + " pins " + std::to_string(frame.pins);
  if (frame.aux != 0) {
    text += " aux " + Hex(frame.aux);
  }
  return text;
}

std::string VmaFlagsText(uint64_t flags) {
  std::string text;
  text += (flags & proto::kVmRead) != 0 ? 'r' : '-';
  text += (flags & proto::kVmWrite) != 0 ? 'w' : '-';
  text += (flags & proto::kVmExec) != 0 ? 'x' : '-';
  text += (flags & proto::kVmShared) != 0 ? 's' : 'p';
  const struct {
    uint64_t bit;
    const char* name;
  } names[] = {
      {proto::kVmGrowsDown, " grows-down"},    {proto::kVmDontCopy, " dont-copy"},
      {proto::kVmWipeOnFork, " wipe-on-fork"}, {proto::kVmLocked, " locked"},
      {proto::kVmStack, " [stack]"},           {proto::kVmHeap, " [heap]"},
  };
  for (const auto& name : names) {
    if ((flags & name.bit) != 0) {
      text += name.name;
    }
  }
  return text;
}

std::string VmaText(const proto::VmaRecord& vma) {
  char range[40];
  std::snprintf(range, sizeof(range), "%016llx-%016llx", static_cast<unsigned long long>(vma.start),
                static_cast<unsigned long long>(vma.end));
  return std::string(range) + " " + VmaFlagsText(vma.flags);
}

std::string CommText(const proto::TaskRecord& task) {
  std::string text;
  for (const char c : task.comm) {
    if (c == 0) {
      break;
    }
    text += (c >= 0x20 && c < 0x7f) ? c : '?';
  }
  return text;
}

std::span<const EventNames> NamesOfEvents() { return kEventNames; }

const char* EventKindText(proto::EventKind kind) {
  return kind < proto::EventKind::kCount ? kEventNames[static_cast<unsigned>(kind)].name
                                         : "unknown";
}

std::optional<proto::EventKind> EventKindNamed(std::string_view name) {
  for (const EventNames& event : kEventNames) {
    if (name == event.name) return static_cast<proto::EventKind>(&event - kEventNames);
  }
  return std::nullopt;
}

const char* ForkPhaseText(proto::ForkPhase phase) {
  return phase < proto::ForkPhase::kCount ? kPhaseNames[static_cast<unsigned>(phase)] : "unknown";
}

std::string EventText(const proto::EventRecord& event) {
  std::string text =
      "#" + std::to_string(event.sequence) + " pid " + std::to_string(event.pid) + " ";
  if (event.kind >= proto::EventKind::kCount) {
    return text + "unknown-event-" + std::to_string(static_cast<unsigned>(event.kind));
  }
  const EventNames& names = kEventNames[static_cast<unsigned>(event.kind)];
  text += names.name;
  const uint64_t values[] = {event.a, event.b, event.c, event.d, event.e};
  for (unsigned i = 0; i < 5; ++i) {
    if (names.arguments[i][0] != 0) {
      text += std::string(" ") + names.arguments[i] + "=" +
              Argument(event, i, names.arguments[i], values[i]);
    }
  }
  return text;
}

}  // namespace fv::inspect
