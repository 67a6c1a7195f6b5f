// SPDX-License-Identifier: Apache-2.0
#include "src/recording/recording_observer.h"

#include <cstddef>
#include <utility>

#include "proto/boot_info.h"
#include "proto/layout.h"
#include "src/recording/printable.h"
#include "src/session/machine_view.h"
#include "vmm/error.h"

namespace fv::recording {
namespace {

// How old the end of the file may be: somebody may be watching.
constexpr auto kMostDelay = std::chrono::milliseconds(20);

schema::End::How HowOf(session::SessionEnd end) {
  switch (end) {
    case session::SessionEnd::kExited:
      return schema::End::EXITED;
    case session::SessionEnd::kObserverStopped:
      return schema::End::STOPPED;
    case session::SessionEnd::kTimeout:
      return schema::End::TIMEOUT;
    case session::SessionEnd::kSignal:
    case session::SessionEnd::kOutputClosed:
    case session::SessionEnd::kOutputFailed:
      return schema::End::INTERRUPTED;
    case session::SessionEnd::kPanic:
    case session::SessionEnd::kGuestError:
    case session::SessionEnd::kSpin:
      return schema::End::GUEST_FAILED;
  }
  return schema::End::GUEST_FAILED;
}

}  // namespace

uint32_t RecordingObserver::BootFlags() { return proto::kBootSafepoints; }

uint64_t RecordingObserver::EventMask(uint64_t kinds) { return kinds | Recorder::RequiredKinds(); }

RecordingObserver::RecordingObserver(vmm::MachineInterface& machine, RecordingFile& file,
                                     const RunFacts& facts, const RecorderOptions& options)
    : machine_(machine),
      recorder_(session::ReaderOf(machine), session::ChannelOf(machine), file,
                MakeHeader(facts, machine.boot_info()), options),
      flushed_(Clock::now()) {
  // Stops that depend on time would make a deterministic guest another one.
  if ((machine.boot_info().flags & proto::kBootDeterministic) != 0) return;
  const uint64_t share_gpa = proto::kBootInfoPhys + offsetof(proto::BootInfo, safepoint_share);
  if (!machine.memory().Store(share_gpa, options.share)) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, "boot information is not in guest memory");
  }
}

vmm::Next RecordingObserver::OnSafepoint(proto::SafepointKind kind) {
  if (recorder_.full()) return vmm::Next::kContinue;
  if (logging_) {
    machine_.TakeDirtyLog(vmm::LogReader::kRecorder, dirty_);
  } else {
    machine_.StartDirtyLog(vmm::LogReader::kRecorder);
    logging_ = true;
  }
  recorder_.OnSafepoint(kind, dirty_);
  machine_.TellDirtyLog(vmm::LogReader::kRecorder, {recorder_.open(), {}});
  return vmm::Next::kContinue;
}

vmm::Next RecordingObserver::OnPause(session::Pause pause) {
  const Clock::time_point now = Clock::now();
  if (pause == session::Pause::kIdle || now - flushed_ >= kMostDelay) {
    recorder_.Flush();
    flushed_ = now;
  }
  return vmm::Next::kContinue;
}

void RecordingObserver::Finish(const session::SessionResult& result) {
  schema::End end;
  end.set_how(HowOf(result.end));
  end.set_wait_status(static_cast<uint32_t>(result.wait_status));
  end.set_message(Printable(result.message));
  recorder_.Finish(std::move(end));
}

}  // namespace fv::recording
