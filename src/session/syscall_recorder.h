// SPDX-License-Identifier: Apache-2.0
//
// Records a guest's system calls from its events. Nothing is lost: a full event ring stops the
// guest until it is drained (proto/channel.h). One thread.
#pragma once

#include <cstdint>

#include "src/session/session.h"
#include "src/trace/trace_builder.h"

namespace fv::session {

class SyscallRecorder final : public Observer {
 public:
  // The events that a machine must send.
  static uint64_t EventMask();

  void OnEvent(const proto::EventRecord& event) override;
  trace::Trace Take() { return builder_.Take(); }

 private:
  void OnExec(const proto::EventRecord& event);

  trace::TraceBuilder builder_;
  bool started_ = false;  // the first program runs
};

}  // namespace fv::session
