// SPDX-License-Identifier: Apache-2.0
//
// See moment.h.
#include "src/session/moment.h"

#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/trace/names.h"
#include "vmm/clock.h"
#include "vmm/error.h"

namespace fv::session {

using proto::FailTrigger;
using vmm::Next;

absl::StatusOr<proto::Moment> ParseTrigger(const std::string& text) {
  proto::Moment moment{};
  const std::pair<absl::string_view, absl::string_view> words =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  if (text == "start" || text == "fork") {
    moment.trigger = text == "start" ? FailTrigger::kStart : FailTrigger::kFork;
    return moment;
  }
  if (words.first == "mark" && absl::SimpleAtoi(words.second, &moment.value)) {
    moment.trigger = FailTrigger::kMark;
    return moment;
  }
  if (words.first == "syscall") {
    const trace::SyscallInfo* call = trace::FindSyscall({words.second.data(), words.second.size()});
    if (call == nullptr) return absl::InvalidArgumentError("no system call is called so");
    moment.trigger = FailTrigger::kSyscall;
    moment.value = call->number;
    return moment;
  }
  return absl::InvalidArgumentError("wants start, fork, mark:ID or syscall:NAME");
}

uint64_t TriggerEvents(const proto::Moment& moment) {
  return moment.trigger == FailTrigger::kSyscall ? EventBit(proto::EventKind::kSyscallEnter) : 0;
}

absl::StatusOr<SnapshotTime> ParseSnapshotTime(const std::string& text) {
  SnapshotTime time;
  const std::pair<absl::string_view, absl::string_view> words =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  double seconds = 0;
  if (text == "exit") {
    time.kind = SnapshotTime::Kind::kExit;
    return time;
  }
  if (words.first == "time") {
    constexpr double kMostSeconds = 1e9;
    if (!absl::SimpleAtod(words.second, &seconds) || !(seconds >= 0) || seconds > kMostSeconds) {
      return absl::InvalidArgumentError("time wants a number of seconds");
    }
    time.kind = SnapshotTime::Kind::kAfter;
    time.after_ns = static_cast<uint64_t>(seconds * 1e9);
    return time;
  }
  absl::StatusOr<proto::Moment> trigger = ParseTrigger(text);
  if (!trigger.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(trigger.status().message(), " (or exit, or time:SECONDS)"));
  }
  time.trigger = *trigger;
  return time;
}

SnapshotTaker::SnapshotTaker(vmm::Machine& machine, const SnapshotTime& time)
    : machine_(machine), time_(time), start_ns_(vmm::MonotonicNs()) {
  const uint64_t gpa = machine.channel_gpa() + offsetof(proto::ChannelHeader, moment);
  if (time.kind == SnapshotTime::Kind::kTrigger && !machine.memory().Store(gpa, time.trigger)) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, "the channel is not in guest memory");
  }
}

Next SnapshotTaker::OnMoment() {
  return time_.kind == SnapshotTime::Kind::kTrigger ? Take() : Next::kContinue;
}

Next SnapshotTaker::OnPause(Pause) {
  const bool due =
      time_.kind == SnapshotTime::Kind::kAfter && vmm::MonotonicNs() - start_ns_ >= time_.after_ns;
  return due ? Take() : Next::kContinue;
}

Next SnapshotTaker::OnDone() {
  return time_.kind == SnapshotTime::Kind::kExit ? Take() : Next::kContinue;
}

Next SnapshotTaker::Take() {
  snapshot_ = machine_.TakeSnapshot();
  return Next::kStop;
}

}  // namespace fv::session
