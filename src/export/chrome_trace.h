// SPDX-License-Identifier: Apache-2.0
//
// A run as a trace in Chrome's JSON array format, which ui.perfetto.dev and chrome://tracing open:
// a track for each thread with its system calls, forks and their phases as slices, faults and
// signals as instants; a track of what ran on the CPU; a counter of free frames; arrows from a fork
// to its child and from a signal's sender to its receiver. Written as the run goes: a file that was
// cut off by a crash opens too. Times are the guest's time-stamp counter, from the first event on.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "proto/events.h"

namespace fv::exports {

class ChromeTrace {
 public:
  // `file` must outlive the trace. `program`: the name of the first process.
  ChromeTrace(std::FILE* file, uint64_t tsc_khz, std::string program);
  ~ChromeTrace();
  ChromeTrace(const ChromeTrace&) = delete;
  ChromeTrace& operator=(const ChromeTrace&) = delete;

  // The kinds that a trace is made of.
  static uint64_t Kinds();
  void Add(const proto::EventRecord& event);

 private:
  struct Track {
    uint32_t tgid = 0;
    bool in_call = false;
    double fork_began_us = 0;
  };

  double Us(uint64_t tsc) const;
  Track& TrackOf(uint32_t pid);
  // {"ph": PHASE, "ts":, "pid":, "tid":, "name": NAME, REST}.
  void Write(const char* phase, double us, uint32_t tgid, uint32_t tid, const std::string& name,
             const std::string& rest = "");
  void NameTrack(uint32_t tgid, uint32_t tid, const std::string& name);
  void Arrow(const char* name, double us, uint32_t from, uint32_t to);
  void Count(double us, uint64_t free_frames);

  void AddFork(const proto::EventRecord& event, double us);
  void AddPhase(const proto::EventRecord& event, double us);
  void AddCall(const proto::EventRecord& event, double us);
  void AddExit(const proto::EventRecord& event, double us);
  void AddSwitch(const proto::EventRecord& event, double us);
  void AddInstant(const proto::EventRecord& event, double us);

  std::FILE* file_;
  double us_per_cycle_;
  std::string program_;
  std::optional<uint64_t> first_tsc_;
  std::map<uint32_t, Track> tracks_;  // by thread id
  struct Running {
    uint32_t pid;
    double since_us;
  };
  std::optional<Running> running_;
  uint64_t arrows_ = 0;
  bool first_ = true;
};

}  // namespace fv::exports
