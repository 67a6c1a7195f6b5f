// SPDX-License-Identifier: Apache-2.0
#include "src/session/syscall_recorder.h"

#include "proto/events.h"

namespace fv::session {
namespace {

using proto::EventKind;

// SyscallEnter has room for so many.
constexpr uint8_t kArguments = 4;

}  // namespace

uint64_t SyscallRecorder::EventMask() {
  return EventBit(EventKind::kSyscallEnter) | EventBit(EventKind::kSyscallExit) |
         EventBit(EventKind::kHandler) | EventBit(EventKind::kForkEnd) |
         EventBit(EventKind::kExec) | EventBit(EventKind::kExit);
}

void SyscallRecorder::OnEvent(const proto::EventRecord& event) {
  switch (event.kind) {
    case EventKind::kSyscallEnter: {
      trace::Call* call =
          builder_.OnEnter(event.pid, event.a, {event.b, event.c, event.d, event.e});
      if (call != nullptr) call->known_arguments = kArguments;
      break;
    }
    case EventKind::kSyscallExit:
      builder_.OnExit(event.pid, static_cast<int64_t>(event.b));
      break;
    case EventKind::kHandler:
      builder_.OnHandler(event.pid);
      break;
    case EventKind::kForkEnd:
      if (event.e == 0) builder_.OnBirth(event.pid, static_cast<uint32_t>(event.a));
      break;
    case EventKind::kExec:
      OnExec(event);
      break;
    case EventKind::kExit:
      builder_.OnEnd(event.pid);
      break;
    default:
      break;
  }
}

void SyscallRecorder::OnExec(const proto::EventRecord& event) {
  if (!started_) {
    started_ = true;
    builder_.OnFirst(event.pid);
    return;
  }
  builder_.OnExec(static_cast<uint32_t>(event.c), event.pid);
}

}  // namespace fv::session
