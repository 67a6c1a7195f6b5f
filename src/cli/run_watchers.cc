// SPDX-License-Identifier: Apache-2.0
#include "src/cli/run_watchers.h"

#include <csignal>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "src/cli/flags.h"
#include "src/cli/verbs.h"
#include "src/export/file_question.h"
#include "src/inspect/sanitizer_report.h"

namespace fv::cli {
namespace {

// With --vm: answers at that socket. Null without.
absl::StatusOr<std::unique_ptr<query::LiveServer>> ServerFromFlags(vmm::MachineInterface& machine) {
  if (FLAGS_vm.empty()) return std::unique_ptr<query::LiveServer>();
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return kernel.status();
  return query::LiveServer::Start(machine, FLAGS_vm, {StrategyNames(*kernel), exports::AskForFile});
}

// With --gdb: the debugger, which says where it listens. Null without.
absl::StatusOr<std::unique_ptr<gdb::Debugger>> DebuggerFromFlags(session::Guest& guest) {
  if (FLAGS_gdb.empty()) return std::unique_ptr<gdb::Debugger>();
  uint32_t port = 0;
  if (!absl::SimpleAtoi(FLAGS_gdb, &port) || port > UINT16_MAX) {
    return absl::InvalidArgumentError(absl::StrCat("--gdb=", FLAGS_gdb, " is no port"));
  }
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return kernel.status();
  absl::StatusOr<std::unique_ptr<gdb::Debugger>> debugger =
      gdb::Debugger::Start(*guest.on_kvm, static_cast<uint16_t>(port), {StrategyNames(*kernel)});
  if (debugger.ok()) {
    Complain(absl::StrCat("gdb: waiting at the program's start; in gdb: target remote 127.0.0.1:",
                          (*debugger)->port()));
  }
  return debugger;
}

// A panic's message, with names for places in the kernel if it is a report of the kernel's checks.
void NamePlaces(session::SessionResult& result, std::span<const uint8_t> kernel_image) {
  if (result.end != session::SessionEnd::kPanic) return;
  if (const auto report = inspect::ReadSanitizerReport(result.message, kernel_image)) {
    result.message = report->text;
  }
}

}  // namespace

absl::Status RunWatchers::Start(const RunExtras& extras) {
  absl::StatusOr<std::unique_ptr<query::LiveServer>> server = ServerFromFlags(*guest_.machine);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  WriteFiles();
  absl::StatusOr<std::unique_ptr<gdb::Debugger>> debugger = DebuggerFromFlags(guest_);
  if (!debugger.ok()) return debugger.status();
  debugger_ = *std::move(debugger);
  if (debugger_) observers_.push_back(&debugger_->before_check());
  StartOracle();
  if (plan_.fail.mode != proto::FailMode::kOff) {
    failures_.emplace(*guest_.machine, plan_.fail, plan_.options.kernel_image);
    observers_.push_back(&*failures_);
  }
  if (extras.observer) extra_ = extras.observer(*guest_.machine);
  if (extra_) observers_.push_back(extra_.get());
  if (server_) observers_.push_back(server_.get());
  if (debugger_) observers_.push_back(debugger_.get());
  return absl::OkStatus();
}

void RunWatchers::WriteFiles() {
  const uint64_t tsc_khz = guest_.machine->boot_info().tsc_khz;
  if (plan_.events) {
    writer_.emplace(plan_.events.get(), tsc_khz, plan_.kinds);
    observers_.push_back(&*writer_);
  }
  if (plan_.trace) {
    trace_.emplace(plan_.trace.get(), tsc_khz, plan_.program);
    observers_.push_back(&*trace_);
  }
  if (plan_.recording) {
    recorder_ = plan_.recording->Observe(*guest_.machine);
    observers_.push_back(recorder_.get());
  }
}

void RunWatchers::StartOracle() {
  if (plan_.mode == oracle::CheckMode::kOff) return;
  oracle_.emplace(*guest_.machine, oracle::CheckerOptions{.mode = plan_.mode});
  observers_.push_back(&*oracle_);
  oracle_->OnFinding([this](const oracle::Finding& finding, const std::string& text) {
    if (recorder_) recorder_->OnFinding(finding, text);
    if (debugger_) debugger_->OnFinding(text);
  });
}

void RunWatchers::Finish(session::SessionResult& result) {
  if (debugger_ && debugger_->killed()) {
    result.end = session::SessionEnd::kSignal;
    result.signal_number = SIGKILL;
  }
  NamePlaces(result, plan_.options.kernel_image);
  if (!recorder_) return;
  recorder_->Finish(result);
  plan_.recording->Tell(*recorder_);
}

void RunWatchers::Tell() const {
  if (failures_) Complain(failures_->Summary());
}

}  // namespace fv::cli
