// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "src/session/oracle_observer.h"
#include "vmm/fd.h"
#include "vmm/memory_file.h"
#include "vmm/snapshot/snapshot_file.h"

namespace fv::fuzz {
namespace {

constexpr uint64_t kRamBytes = uint64_t{32} << 20;
constexpr uint64_t kGuestTimeoutNs = 10'000'000'000;

std::string MessageOf(const session::SessionResult& result) {
  std::string message = result.message;
  if (!result.registers.empty()) absl::StrAppend(&message, "\n", result.registers);
  return message;
}

vmm::MachineConfig ConfigOf(const GuestRunOptions& options) {
  vmm::MachineConfig config;
  config.ram_bytes = kRamBytes;
  config.kernel_image = options.kernel_image;
  config.fork_strategy = options.fork_strategy;
  config.mutant = options.mutant;
  config.boot_flags =
      proto::kBootDeterministic | session::CheckBootFlags(options.check) | options.boot_flags;
  config.tick_ns = 0;
  config.event_mask =
      options.event_mask | session::CheckEventMask(options.check) | proto::kEventsAlways;
  config.random_seed = 1;
  config.boot_wall_ns = 1;
  config.watchdog.wall_limit_ns = kGuestTimeoutNs;
  return config;
}

}  // namespace

absl::Status WriteReadySnapshot(const GuestRunOptions& options) {
  absl::StatusOr<std::unique_ptr<BootReset>> boot =
      BootReset::Make(ConfigOf(options), options.executor);
  if (!boot.ok()) return boot.status();
  const auto snapshot = RunToReady((*boot)->Boot(), nullptr);
  if (snapshot == nullptr) {
    return absl::FailedPreconditionError("the guest does not get as far as to run a program");
  }
  vmm::WriteSnapshotFile(*snapshot, options.from);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<GuestRunner>> GuestRunner::Make(const GuestRunOptions& options) {
  const vmm::MachineConfig config = ConfigOf(options);
  if (!options.from.empty()) {
    const FileStart start{options.from, options.executor, options.check};
    return std::unique_ptr<GuestRunner>(
        new GuestRunner(options, std::make_unique<FileReset>(config, start, options.prove_reset)));
  }
  absl::StatusOr<std::unique_ptr<BootReset>> boot = BootReset::Make(config, options.executor);
  if (!boot.ok()) return boot.status();
  std::unique_ptr<Reset> reset;
  if (options.reset == ResetKind::kSnapshot) {
    reset = std::make_unique<SnapshotReset>(*std::move(boot), options.check, options.prove_reset);
  } else {
    reset = *std::move(boot);
  }
  return std::unique_ptr<GuestRunner>(new GuestRunner(options, std::move(reset)));
}

GuestRun GuestRunner::Run(const Program& program, RunObserver* observer) {
  machine_ = &reset_->Fresh();
  const std::vector<uint8_t> counted_before = blocks_.Read(machine_->memory());
  const std::vector<uint8_t> compared_before = compares_.Read(machine_->memory());
  const vmm::Fd input = vmm::MemoryFileOf("forkvisor-input", Encode(program));
  const vmm::Fd output = vmm::MemoryFile("forkvisor-output");
  session::SessionOptions session_options;
  session_options.input = input.get();
  session_options.stdin_mode = session::SessionOptions::Stdin::kAhead;
  session_options.output = output.get();
  session_options.error = output.get();
  session_options.timeout_ns = kGuestTimeoutNs;
  if (observer != nullptr) {
    observer->OnMachine(*machine_);
    session_options.observers.push_back(observer);
  }
  std::optional<session::OracleObserver> oracle;
  if (options_.check != oracle::CheckMode::kOff) {
    oracle.emplace(*machine_, oracle::CheckerOptions{.mode = options_.check}, reset_->past());
    session_options.observers.push_back(&*oracle);
    if (observer != nullptr) {
      oracle->OnFinding([observer](const oracle::Finding& finding, const std::string& text) {
        observer->OnFinding(finding, text);
      });
    }
  }
  const session::SessionResult result = session::Session(*machine_, session_options).Run();
  if (observer != nullptr) observer->OnEnd(result);
  GuestRun run{
      .end = result.end,
      .message = MessageOf(result),
      .findings = {},
      .results = {},
      .sanitizer = {},
      .inexact_reset = reset_->inexact(),
      .block_counts = coverage::CountedSince(counted_before, blocks_.Read(machine_->memory())),
      .compares = coverage::CountedSince(compared_before, compares_.Read(machine_->memory()))};
  if (result.end == session::SessionEnd::kPanic) {
    run.sanitizer = inspect::ReadSanitizerReport(result.message, options_.kernel_image);
  }
  if (oracle) {
    run.findings = oracle->findings();
    run.broken = oracle->broken_invariants();
    run.oracle_ns = oracle->stats().nanoseconds;
  }
  if (result.end == session::SessionEnd::kExited) {
    absl::StatusOr<Results> results = ParseResults(program, vmm::ContentOf(output));
    if (results.ok()) {
      run.results = *std::move(results);
    } else {
      run.message = absl::StrCat(results.status().message(), "; the executor ended with status ",
                                 result.wait_status);
    }
  }
  return run;
}

}  // namespace fv::fuzz
