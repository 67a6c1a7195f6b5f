// SPDX-License-Identifier: Apache-2.0
//
// Makes a recording of a guest that somebody else runs: told of its events and its safepoints,
// writes records. Its memory is bounded, its file too if that is asked for: at the limit it says so
// in the file, and counts on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "proto/recording.pb.h"
#include "src/inspect/channel_view.h"
#include "src/inspect/memory_reader.h"
#include "src/oracle/finding.h"
#include "src/recording/recording_file.h"
#include "src/recording/state_differ.h"

namespace fv::recording {

struct RecorderOptions {
  uint64_t kinds = 0;        // bits of the events to write
  uint64_t limit_bytes = 0;  // of the file; 0: none. The last record may exceed it by itself
  uint32_t share = 0;        // proto::BootInfo::safepoint_share
};

class Recorder {
 public:
  // Events that a recording has unless others are asked for: what forks, faults, mappings, signals
  // and the scheduler did.
  static uint64_t DefaultKinds();
  // Events that the recorder needs besides those that are to be written.
  static uint64_t RequiredKinds();

  // `memory` must stay mapped, the channel have been opened on it, and `file` outlive the recorder.
  Recorder(const inspect::MemoryReader& memory, const inspect::ChannelView& channel,
           RecordingFile& file, const schema::Header& header, const RecorderOptions& options);

  // In order, before the safepoint that follows.
  void OnEvent(const proto::EventRecord& event);
  // `dirty`: frames written since the last safepoint (oracle::DirtyBits); the first reads all.
  void OnSafepoint(proto::SafepointKind kind, std::span<const uint64_t> dirty);
  // About the last safepoint.
  void OnFinding(const oracle::Finding& finding, const std::string& text);
  // The run has ended. Once; `end` but for its counts. Closes the file.
  void Finish(schema::End end);

  // Events that came and were not written yet go to the file, and all that is buffered.
  void Flush();

  // Frames of which the recorder need not hear, a bit each (StateDiffer::open).
  std::span<const uint64_t> open() const { return differ_.open(); }

  uint64_t events() const { return events_; }
  // The file has its limit.
  bool full() const { return full_; }

 private:
  void WriteKeyframe();
  // Moves the events that wait into record_'s step.
  void TakeEvents(schema::Step& step);
  void WriteEvents();
  void Write(const schema::Record& record);

  StateDiffer differ_;
  RecordingFile& file_;
  RecorderOptions options_;
  schema::Record record_;                    // kept for its memory
  std::vector<proto::EventRecord> waiting_;  // to be written
  std::vector<proto::EventRecord> needed_;   // RequiredKinds since the last safepoint
  uint64_t events_ = 0;                      // that came, of the kinds that are written
  uint64_t steps_ = 0;
  bool started_ = false;  // the keyframe is written
  bool full_ = false;
};

}  // namespace fv::recording
