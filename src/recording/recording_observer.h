// SPDX-License-Identifier: Apache-2.0
//
// A recorder as an observer of a run. Stands before the oracle among the observers, so that a step
// is written before what is found at it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "src/recording/header.h"
#include "src/recording/recorder.h"
#include "src/session/session.h"
#include "vmm/machine_interface.h"

namespace fv::recording {

class RecordingObserver final : public session::Observer {
 public:
  // Boot flags and events that a machine needs for a recording of `kinds`: set them before it is
  // made.
  static uint32_t BootFlags();
  static uint64_t EventMask(uint64_t kinds);

  // `machine`, which has not run yet, and `file` outlive the observer. Throws vmm::VmmError.
  RecordingObserver(vmm::MachineInterface& machine, RecordingFile& file, const RunFacts& facts,
                    const RecorderOptions& options);

  void OnEvent(const proto::EventRecord& event) override { recorder_.OnEvent(event); }
  vmm::Next OnSafepoint(proto::SafepointKind kind) override;
  vmm::Next OnPause(session::Pause pause) override;

  void OnFinding(const oracle::Finding& finding, const std::string& text) {
    recorder_.OnFinding(finding, text);
  }
  // The run has ended like this.
  void Finish(const session::SessionResult& result);

  const Recorder& recorder() const { return recorder_; }

 private:
  using Clock = std::chrono::steady_clock;

  vmm::MachineInterface& machine_;
  Recorder recorder_;
  bool logging_ = false;  // the machine's log of written pages is on
  std::vector<uint64_t> dirty_;
  Clock::time_point flushed_;
};

}  // namespace fv::recording
