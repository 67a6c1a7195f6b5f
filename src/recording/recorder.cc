// SPDX-License-Identifier: Apache-2.0
#include "src/recording/recorder.h"

#include <algorithm>

#include "src/recording/entry_flags.h"

namespace fv::recording {

using proto::EventBit;
using proto::EventKind;
using proto::EventRecord;

namespace {

// Events that wait for a safepoint at most; then they are written without.
constexpr size_t kMostWaiting = 4096;
constexpr size_t kMostNeeded = 65536;

void TellEvent(const EventRecord& event, uint64_t before, schema::Event& out) {
  out.set_kind(static_cast<uint32_t>(event.kind));
  out.set_pid(event.pid);
  out.set_after(event.tsc > before ? event.tsc - before : 0);
  const uint64_t arguments[] = {event.a, event.b, event.c, event.d, event.e};
  size_t used = std::size(arguments);
  while (used != 0 && arguments[used - 1] == 0) --used;
  out.mutable_arguments()->Reserve(static_cast<int>(used));
  for (size_t i = 0; i < used; ++i) out.add_arguments(arguments[i]);
}

}  // namespace

uint64_t Recorder::DefaultKinds() {
  // What the reference model lives on says nothing to people; system calls say too much.
  uint64_t kinds = 0;
  for (unsigned i = 0; i < static_cast<unsigned>(EventKind::kCount); ++i) {
    kinds |= EventBit(static_cast<EventKind>(i));
  }
  return kinds & ~(EventBit(EventKind::kUserWrite) | EventBit(EventKind::kObjectWrite) |
                   EventBit(EventKind::kObjectCut) | EventBit(EventKind::kOwn) |
                   EventBit(EventKind::kMapObject) | EventBit(EventKind::kSyscallEnter) |
                   EventBit(EventKind::kSyscallExit));
}

uint64_t Recorder::RequiredKinds() { return EventBit(EventKind::kMmCopy); }

Recorder::Recorder(const inspect::MemoryReader& memory, const inspect::ChannelView& channel,
                   RecordingFile& file, const schema::Header& header,
                   const RecorderOptions& options)
    : differ_(memory, channel), file_(file), options_(options) {
  *record_.mutable_header() = header;
  file_.Append(record_);
  file_.Flush();
}

void Recorder::OnEvent(const EventRecord& event) {
  if (event.kind >= EventKind::kCount) return;
  const uint64_t bit = EventBit(event.kind);
  if ((RequiredKinds() & bit) != 0 && needed_.size() < kMostNeeded) needed_.push_back(event);
  if (((options_.kinds | proto::kEventsAlways) & bit) == 0) return;
  ++events_;
  if (full_) return;
  waiting_.push_back(event);
  if (waiting_.size() >= kMostWaiting) WriteEvents();
}

void Recorder::TakeEvents(schema::Step& step) {
  step.set_first_event(events_ - waiting_.size());
  step.set_tsc(waiting_.empty() ? 0 : waiting_.front().tsc);
  uint64_t before = step.tsc();
  step.mutable_events()->Reserve(static_cast<int>(waiting_.size()));
  for (const EventRecord& event : waiting_) {
    TellEvent(event, before, *step.add_events());
    before = std::max(before, event.tsc);
  }
  waiting_.clear();
}

void Recorder::WriteEvents() {
  if (waiting_.empty() || full_) return;
  schema::Step& step = *record_.mutable_step();
  step.Clear();
  TakeEvents(step);
  Write(record_);
  ++steps_;
}

void Recorder::WriteKeyframe() {
  schema::Keyframe& keyframe = *record_.mutable_keyframe();
  keyframe.Clear();
  keyframe.set_first_event(events_ - waiting_.size());
  started_ = differ_.Step({}, {}, *keyframe.mutable_state()).ok();
  if (started_) Write(record_);
}

void Recorder::OnSafepoint(proto::SafepointKind kind, std::span<const uint64_t> dirty) {
  if (full_) return;
  const bool first = !started_;
  if (first) WriteKeyframe();
  schema::Step& step = *record_.mutable_step();
  step.Clear();
  TakeEvents(step);
  step.set_safepoint(static_cast<uint32_t>(kind) + 1);
  if (!first) {
    const absl::Status status = differ_.Step(dirty, needed_, *step.mutable_change());
    if (!status.ok() || step.change().ByteSizeLong() == 0) step.clear_change();
  }
  needed_.clear();
  if (step.events_size() == 0 && !step.has_change()) return;
  Write(record_);
  ++steps_;
}

void Recorder::OnFinding(const oracle::Finding& finding, const std::string& text) {
  if (full_) return;
  WriteEvents();
  schema::Finding& out = *record_.mutable_finding();
  out.Clear();
  out.set_event(events_ == 0 ? 0 : events_ - 1);
  out.set_invariant(oracle::InvariantOf(finding.rule));
  out.set_rule(oracle::RuleText(finding.rule));
  out.set_text(text);
  out.set_pid(finding.pid);
  out.set_mm(differ_.MmId(finding.mm));
  out.set_address(finding.address);
  if (finding.pfn) {
    out.set_frame(static_cast<uint32_t>(*finding.pfn));
    out.set_frame_references(finding.frame.refs);
  }
  if (finding.pte) out.set_entry_flags(FlagsOf(*finding.pte));
  Write(record_);
}

void Recorder::Write(const schema::Record& record) {
  file_.Append(record);
  if (options_.limit_bytes == 0 || file_.bytes() < options_.limit_bytes) return;
  full_ = true;
  schema::Record limit;
  limit.mutable_limit()->set_bytes(options_.limit_bytes);
  file_.Append(limit);
}

void Recorder::Flush() {
  WriteEvents();
  file_.Flush();
}

void Recorder::Finish(schema::End end) {
  WriteEvents();
  end.set_events(events_);
  end.set_steps(steps_);
  *record_.mutable_end() = std::move(end);
  file_.Append(record_);
  file_.Close();
}

}  // namespace fv::recording
