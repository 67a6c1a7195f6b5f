// SPDX-License-Identifier: Apache-2.0
#include "src/export/chrome_trace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/inspect/render.h"
#include "src/trace/names.h"

namespace fv::exports {
namespace {

using proto::EventKind;
using proto::EventRecord;

// The process id of the track that shows the CPU: no task has it.
constexpr uint32_t kCpuTrack = 0;
constexpr uint32_t kFirstProcess = 2;

constexpr EventKind kKinds[] = {
    EventKind::kBoot,         EventKind::kForkBegin,   EventKind::kForkPhase, EventKind::kForkEnd,
    EventKind::kCowBreak,     EventKind::kCowReuse,    EventKind::kFault,     EventKind::kExec,
    EventKind::kExit,         EventKind::kSwitch,      EventKind::kSignal,    EventKind::kHandler,
    EventKind::kSyscallEnter, EventKind::kSyscallExit, EventKind::kNewTask,   EventKind::kMark,
    EventKind::kCoreDump,     EventKind::kOutOfMemory,
};

// The event in words, without the sequence number and task that the trace shows anyway.
std::string Words(const EventRecord& event) {
  const std::string text = inspect::EventText(event);
  const size_t kind = text.find("pid ");
  const size_t space = kind == std::string::npos ? kind : text.find(' ', kind + 4);
  return space == std::string::npos ? text : text.substr(space + 1);
}

std::string Args(const std::string& words) {
  return absl::StrFormat("\"args\":{\"event\":\"%s\"}", words);
}

}  // namespace

uint64_t ChromeTrace::Kinds() {
  uint64_t mask = 0;
  for (EventKind kind : kKinds) mask |= proto::EventBit(kind);
  return mask;
}

ChromeTrace::ChromeTrace(std::FILE* file, uint64_t tsc_khz, std::string program)
    : file_(file), us_per_cycle_(1e3 / static_cast<double>(tsc_khz)), program_(std::move(program)) {
  std::fputs("[", file_);
  NameTrack(kCpuTrack, kCpuTrack, "CPU 0");
}

ChromeTrace::~ChromeTrace() { std::fputs("\n]\n", file_); }

double ChromeTrace::Us(uint64_t tsc) const {
  return tsc < *first_tsc_ ? 0 : static_cast<double>(tsc - *first_tsc_) * us_per_cycle_;
}

ChromeTrace::Track& ChromeTrace::TrackOf(uint32_t pid) {
  const auto [at, is_new] = tracks_.try_emplace(pid);
  if (is_new) {
    at->second.tgid = pid;
    NameTrack(pid, pid, pid == kFirstProcess ? program_ : absl::StrCat(pid == 1 ? "init" : "task"));
  }
  return at->second;
}

void ChromeTrace::Write(const char* phase, double us, uint32_t tgid, uint32_t tid,
                        const std::string& name, const std::string& rest) {
  absl::FPrintF(file_, "%s\n{\"ph\":\"%s\",\"ts\":%.3f,\"pid\":%u,\"tid\":%u,\"name\":\"%s\"%s%s}",
                std::exchange(first_, false) ? "" : ",", phase, us, tgid, tid, name,
                rest.empty() ? "" : ",", rest);
}

void ChromeTrace::NameTrack(uint32_t tgid, uint32_t tid, const std::string& name) {
  std::string printable = name;
  std::replace_if(
      printable.begin(), printable.end(),
      [](char c) { return c < ' ' || c > '~' || c == '"' || c == '\\'; }, '?');
  const std::string args = absl::StrFormat("\"args\":{\"name\":\"%s\"}", printable);
  if (tgid == tid) Write("M", 0, tgid, tid, "process_name", args);
  Write("M", 0, tgid, tid, "thread_name", args);
}

void ChromeTrace::Arrow(const char* name, double us, uint32_t from, uint32_t to) {
  const std::string id = absl::StrFormat("\"cat\":\"%s\",\"id\":%u", name, ++arrows_);
  Write("s", us, TrackOf(from).tgid, from, name, id);
  Write("f", us, TrackOf(to).tgid, to, name, id + ",\"bp\":\"e\"");
}

void ChromeTrace::Count(double us, uint64_t free_frames) {
  Write("C", us, kCpuTrack, kCpuTrack, "free frames",
        absl::StrFormat("\"args\":{\"frames\":%u}", free_frames));
}

void ChromeTrace::Add(const EventRecord& event) {
  if (!first_tsc_) first_tsc_ = event.tsc;
  const double us = Us(event.tsc);
  switch (event.kind) {
    case EventKind::kBoot:
      return Count(us, event.a);
    case EventKind::kForkBegin:
    case EventKind::kForkEnd:
      return AddFork(event, us);
    case EventKind::kForkPhase:
      return AddPhase(event, us);
    case EventKind::kNewTask: {
      const auto child = static_cast<uint32_t>(event.c);
      tracks_[child] = {.tgid = static_cast<uint32_t>(event.d)};
      NameTrack(tracks_[child].tgid, child, absl::StrCat("from ", event.a));
      return Arrow("fork", us, event.pid, child);
    }
    case EventKind::kSyscallEnter:
    case EventKind::kSyscallExit:
      return AddCall(event, us);
    case EventKind::kExit:
      return AddExit(event, us);
    case EventKind::kSwitch:
      return AddSwitch(event, us);
    case EventKind::kSignal:
      AddInstant(event, us);
      return Arrow("signal", us, event.pid, static_cast<uint32_t>(event.b));
    default:
      return AddInstant(event, us);
  }
}

void ChromeTrace::AddFork(const EventRecord& event, double us) {
  Track& track = TrackOf(event.pid);
  if (event.kind == EventKind::kForkBegin) {
    track.fork_began_us = us;
    return Count(us, event.c);
  }
  Write("X", track.fork_began_us, track.tgid, event.pid, "fork",
        absl::StrFormat("\"dur\":%.3f,%s", us - track.fork_began_us, Args(Words(event))));
}

void ChromeTrace::AddPhase(const EventRecord& event, double us) {
  const Track& track = TrackOf(event.pid);
  if (event.a >= static_cast<uint64_t>(proto::ForkPhase::kCount)) return;
  const double cycles = static_cast<double>(std::min(event.b, event.tsc - *first_tsc_));
  const double start = std::max(us - cycles * us_per_cycle_, track.fork_began_us);
  Write("X", start, track.tgid, event.pid,
        inspect::ForkPhaseText(static_cast<proto::ForkPhase>(event.a)),
        absl::StrFormat("\"dur\":%.3f", std::max(us - start, 0.0)));
  Count(us, event.c);
}

void ChromeTrace::AddCall(const EventRecord& event, double us) {
  Track& track = TrackOf(event.pid);
  const bool enters = event.kind == EventKind::kSyscallEnter;
  if (enters == track.in_call) return;  // its other half is missing
  track.in_call = enters;
  Write(enters ? "B" : "E", us, track.tgid, event.pid, trace::SyscallName(event.a),
        Args(Words(event)));
}

void ChromeTrace::AddExit(const EventRecord& event, double us) {
  AddInstant(event, us);
  Track& track = TrackOf(event.pid);
  if (std::exchange(track.in_call, false)) Write("E", us, track.tgid, event.pid, "exit");
}

void ChromeTrace::AddSwitch(const EventRecord& event, double us) {
  constexpr uint32_t kIdle = 0;
  if (running_ && running_->pid != kIdle) {
    Write("X", running_->since_us, kCpuTrack, kCpuTrack, absl::StrCat("task ", running_->pid),
          absl::StrFormat("\"dur\":%.3f", us - running_->since_us));
  }
  running_ = Running{static_cast<uint32_t>(event.b), us};
}

void ChromeTrace::AddInstant(const EventRecord& event, double us) {
  const Track& track = TrackOf(event.pid);
  const std::string words = Words(event);
  Write("i", us, track.tgid, event.pid, words.substr(0, words.find(' ')),
        "\"s\":\"t\"," + Args(words));
}

}  // namespace fv::exports
