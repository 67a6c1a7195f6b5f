// SPDX-License-Identifier: Apache-2.0
//
// Feeds the oracle.
#include "src/session/oracle_observer.h"

#include <algorithm>
#include <string_view>

#include "src/session/machine_view.h"

namespace fv::session {
namespace {

using oracle::CheckMode;
using vmm::Next;

bool UsesSafepoints(CheckMode mode) { return mode != CheckMode::kOff && mode != CheckMode::kEnd; }

}  // namespace

uint32_t CheckBootFlags(CheckMode mode) {
  return UsesSafepoints(mode) ? uint32_t{proto::kBootSafepoints} : 0;
}

uint64_t CheckEventMask(CheckMode mode) { return oracle::Checker::RequiredEvents(mode); }

OracleObserver::OracleObserver(vmm::MachineInterface& machine,
                               const oracle::CheckerOptions& options, const oracle::Past* past)
    : machine_(machine),
      mode_(options.mode),
      checker_(std::make_unique<oracle::Checker>(ReaderOf(machine), ChannelOf(machine), options)) {
  if (past == nullptr || !UsesSafepoints(mode_)) return;
  (void)Take(checker_->Resume(*past));
  StartLog();
}

OracleObserver::~OracleObserver() = default;

void OracleObserver::OnEvent(const proto::EventRecord& event) { checker_->OnEvent(event); }

Next OracleObserver::OnSafepoint(proto::SafepointKind kind) {
  const size_t index = std::min(static_cast<size_t>(kind), kKinds - 1);
  ++by_kind_[index];
  // Words come from the guest: an unknown kind is looked at as any change is.
  const auto known = static_cast<proto::SafepointKind>(index);
  if (!checker_->WantsSafepoint(known)) return Take(checker_->OnSafepoint(known, {}));
  if (logging_) {
    machine_.TakeDirtyLog(vmm::LogReader::kOracle, dirty_);
  } else {
    // The first check reads everything; what is written from here on is what it has not seen.
    StartLog();
  }
  const Next next = Take(checker_->OnSafepoint(known, dirty_));
  if (const oracle::WatchedFrames* const watched = checker_->watched()) {
    machine_.TellDirtyLog(vmm::LogReader::kOracle, {watched->open(), watched->hashed()});
  }
  return next;
}

void OracleObserver::StartLog() {
  machine_.StartDirtyLog(vmm::LogReader::kOracle);
  logging_ = true;
}

Next OracleObserver::OnDone() {
  // Every task is reaped by then. With safepoints, the final one has been looked at already.
  return mode_ == CheckMode::kEnd ? Take(checker_->CheckAll()) : Next::kContinue;
}

Next OracleObserver::Take(const std::vector<oracle::Finding>& findings) {
  for (const oracle::Finding& finding : findings) {
    // What led to it is the same for all findings of a safepoint: said once.
    const bool last = &finding == &findings.back();
    findings_.push_back(checker_->Text(
        finding, last ? oracle::Checker::Events::kShow : oracle::Checker::Events::kHide));
    if (listener_) listener_(finding, findings_.back());
    broken_ |= uint32_t{1} << oracle::InvariantOf(finding.rule);
    rules_.push_back(finding.rule);
  }
  return findings.empty() ? Next::kContinue : Next::kStop;
}

}  // namespace fv::session
