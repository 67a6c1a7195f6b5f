// SPDX-License-Identifier: Apache-2.0
//
// See the header. The dirty log is switched on at the first safepoint that is looked at, where
// everything is read anyway.
#include "src/session/check.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fv::session {
namespace {

constexpr size_t kReported = 8;

// The channel's header is the host's own at this point: the guest has not run.
inspect::ChannelView OpenChannel(const vmm::Machine& machine, const inspect::MemoryReader& memory) {
  return inspect::ChannelView::Open(memory, machine.channel_gpa(),
                                    machine.boot_info().channel_bytes)
      .value();
}

}  // namespace

CheckNeeds NeedsOf(oracle::CheckMode mode) {
  switch (mode) {
    case oracle::CheckMode::kOff:
      return {};
    case oracle::CheckMode::kEnd:
      return {proto::kBootSafepoints, 0};
    case oracle::CheckMode::kSampled:
    case oracle::CheckMode::kEvery:
      break;
  }
  return {proto::kBootSafepoints, oracle::TransitionChecker::RequiredEvents()};
}

CheckObserver::CheckObserver(vmm::Machine& machine, const oracle::CheckerOptions& options,
                             std::function<void(const std::string&)> report)
    : machine_(machine), report_(std::move(report)), mode_(options.mode) {
  const inspect::MemoryReader memory(machine.memory().host_base(), machine.memory().size());
  checker_ = std::make_unique<oracle::Checker>(memory, OpenChannel(machine, memory), options);
}

void CheckObserver::OnEvent(const proto::EventRecord& event) { checker_->OnEvent(event); }

vmm::Next CheckObserver::OnSafepoint(proto::SafepointKind kind) {
  dirty_.clear();
  if (mode_ != oracle::CheckMode::kEnd && checker_->WantsSafepoint(kind)) {
    if (logging_) {
      machine_.vm().GetDirtyLog(dirty_);
    } else {
      machine_.vm().SetDirtyLog(vmm::Vm::DirtyLog::kOn);
      logging_ = true;
    }
  }
  findings_ = checker_->OnSafepoint(kind, dirty_);
  for (size_t i = 0; i < findings_.size() && i < kReported; ++i) {
    report_(checker_->Text(findings_[i]));
  }
  if (findings_.size() > kReported) {
    report_(absl::StrCat("and ", findings_.size() - kReported, " more findings"));
  }
  return findings_.empty() ? vmm::Next::kContinue : vmm::Next::kStop;
}

}  // namespace fv::session
