// SPDX-License-Identifier: Apache-2.0
//
// Who looks at a run as the flags ask: writers of files, the debugger, the oracle, injected
// failures, the socket for questions. They live as long as the run and what is done with its
// result.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "src/cli/guest_run.h"
#include "src/cli/run_plan.h"
#include "src/export/trace_observer.h"
#include "src/gdb/debugger.h"
#include "src/query/live_server.h"
#include "src/recording/recording_observer.h"
#include "src/session/event_writer.h"
#include "src/session/failures.h"
#include "src/session/guest.h"
#include "src/session/oracle_observer.h"

namespace fv::cli {

class RunWatchers {
 public:
  // Both outlive the object.
  RunWatchers(session::Guest& guest, const RunPlan& plan) : guest_(guest), plan_(plan) {}
  RunWatchers(const RunWatchers&) = delete;
  RunWatchers& operator=(const RunWatchers&) = delete;

  // Makes them all. A Status is the user's fault.
  absl::Status Start(const RunExtras& extras);
  // In the order in which they have to be told: the oracle may stop the run, so what records it
  // comes before.
  const std::vector<session::Observer*>& observers() const { return observers_; }
  // Null: there is none.
  const session::OracleObserver* oracle() const { return oracle_ ? &*oracle_ : nullptr; }
  session::Observer* extra() const { return extra_.get(); }

  // Behind the run: says what only they know of its end, and ends the recording.
  void Finish(session::SessionResult& result);
  // What they have to say on standard error.
  void Tell() const;

 private:
  void WriteFiles();
  void StartOracle();

  session::Guest& guest_;
  const RunPlan& plan_;
  std::vector<session::Observer*> observers_;
  std::optional<session::EventWriter> writer_;
  std::optional<exports::TraceObserver> trace_;
  std::unique_ptr<recording::RecordingObserver> recorder_;  // null: nothing is recorded
  std::unique_ptr<gdb::Debugger> debugger_;                 // null without --gdb
  std::optional<session::OracleObserver> oracle_;
  std::optional<session::FailureObserver> failures_;
  std::unique_ptr<session::Observer> extra_;
  std::unique_ptr<query::LiveServer> server_;  // null without --vm
};

}  // namespace fv::cli
