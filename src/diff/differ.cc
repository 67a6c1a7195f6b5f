// SPDX-License-Identifier: Apache-2.0
#include "src/diff/differ.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/native/streams.h"
#include "src/rootfs/root.h"
#include "src/session/oracle_observer.h"
#include "src/session/syscall_recorder.h"

namespace fv::diff {
namespace {

using native::NativeOptions;

NativeOptions NativeOptionsFrom(const DiffOptions& options, const rootfs::Root& root) {
  NativeOptions native;
  native.user = options.native_user;
  native.calls = options.calls;
  native.tree = &root.tree;
  native.tree_limit_bytes = options.guest.ram_bytes;
  native.path = options.guest.cwd.empty() ? root.exec_name : root.exec_path;
  native.argv.push_back(options.guest.root.program);
  native.argv.insert(native.argv.end(), options.guest.arguments.begin(),
                     options.guest.arguments.end());
  native.environment = session::GuestEnvironment(options.guest);
  native.cwd = options.guest.cwd.empty() ? root.cwd : options.guest.cwd;
  native.input = options.input;
  native.timeout_ns = options.timeout_ns;
  return native;
}

// The program itself, not what was put into a root beside it.
absl::StatusOr<native::NativeResult> RunOnHostRoot(const DiffOptions& options, NativeOptions native,
                                                   const rootfs::Root& root) {
  if (!options.guest.root.rootfs.empty()) {
    return absl::FailedPreconditionError(
        "a program of --rootfs can run natively only in a private root");
  }
  native.root = NativeOptions::Root::kHost;
  native.user = NativeOptions::User::kCaller;
  native.path = root.exec_path;
  return native::RunNative(native);
}

absl::StatusOr<native::NativeResult> RunNatively(const DiffOptions& options,
                                                 const rootfs::Root& root,
                                                 std::vector<std::string>& notes) {
  NativeOptions native = NativeOptionsFrom(options, root);
  if (options.native_root == NativeRoot::kHost) {
    return RunOnHostRoot(options, std::move(native), root);
  }
  absl::StatusOr<native::NativeResult> done = native::RunNative(native);
  if (!absl::IsPermissionDenied(done.status()) ||
      !MayRunOnHostRoot(options.native_root, options.native_user, geteuid())) {
    return done;
  }
  absl::StatusOr<native::NativeResult> again = RunOnHostRoot(options, std::move(native), root);
  if (again.ok()) {
    notes.push_back(
        absl::StrCat("natively in the host's file system, in an empty working directory: this "
                     "host permits no private root (",
                     done.status().message(), ")"));
  }
  return again;
}

// The guest's run, its streams caught as the native one's are.
absl::Status RunInGuest(const DiffOptions& options, DiffResult& result, trace::Trace& trace) {
  session::GuestOptions guest_options = options.guest;
  const bool records = options.calls == NativeOptions::Calls::kRecord;
  guest_options.boot_flags &= ~static_cast<uint32_t>(
      proto::kBootStdinIsTty | proto::kBootStdoutIsTty | proto::kBootStderrIsTty);
  guest_options.boot_flags |= session::CheckBootFlags(options.check);
  guest_options.event_mask = session::CheckEventMask(options.check) |
                             (records ? session::SyscallRecorder::EventMask() : 0);
  guest_options.timeout_ns = options.timeout_ns;
  absl::StatusOr<session::Guest> guest = session::StartGuest(guest_options);
  if (!guest.ok()) return guest.status();
  absl::StatusOr<native::Streams> streams = native::Streams::Open(options.input);
  if (!streams.ok()) return streams.status();

  session::SessionOptions session_options;
  session_options.timeout_ns = options.timeout_ns;
  session::SyscallRecorder recorder;
  if (records) session_options.observers.push_back(&recorder);
  std::unique_ptr<session::OracleObserver> oracle;
  if (options.check != oracle::CheckMode::kOff) {
    oracle = std::make_unique<session::OracleObserver>(
        *guest->machine, oracle::CheckerOptions{.mode = options.check});
    session_options.observers.push_back(oracle.get());
  }
  {
    const native::Streams::ProgramEnds ends = std::move(streams->program_ends());
    session_options.input = ends.in.get();
    session_options.output = ends.out.get();
    session_options.error = ends.err.get();
    streams->Start();
    result.session = session::Session(*guest->machine, session_options).Run();
  }
  streams->Join();
  result.guest = {.timed_out = result.session.end == session::SessionEnd::kTimeout,
                  .wait_status = result.session.wait_status,
                  .out = std::move(streams->out()),
                  .err = std::move(streams->err())};
  if (oracle) result.findings = oracle->findings();
  trace = recorder.Take();
  return absl::OkStatus();
}

Outcome OutcomeOf(native::NativeResult result) {
  return {.timed_out = result.timed_out,
          .wait_status = result.wait_status,
          .out = std::move(result.out),
          .err = std::move(result.err)};
}

void NoteLimits(const native::Output& output, DiffResult& result) {
  if (output.total > output.bytes.size()) {
    result.notes.push_back(
        absl::StrCat("only the first ", output.bytes.size() >> 20, " MiB of a stream were kept"));
  }
}

}  // namespace

bool MayRunOnHostRoot(NativeRoot root, NativeOptions::User user, uid_t caller) {
  if (root != NativeRoot::kAuto) return root == NativeRoot::kHost;
  return caller != 0 || user == NativeOptions::User::kCaller;
}

absl::StatusOr<NativeSide> RunNativeSide(const DiffOptions& options) {
  absl::StatusOr<rootfs::Root> root = rootfs::BuildRoot(options.guest.root);
  if (!root.ok()) return root.status();
  std::vector<std::string> notes;
  absl::StatusOr<native::NativeResult> native = RunNatively(options, *root, notes);
  if (!native.ok()) return native.status();
  NativeSide side{.outcome = {}, .trace = std::move(native->trace)};
  side.outcome = OutcomeOf(*std::move(native));
  return side;
}

absl::StatusOr<DiffResult> RunDiff(const DiffOptions& options) {
  DiffResult result;
  absl::StatusOr<native::NativeResult> native;
  {
    absl::StatusOr<rootfs::Root> root = rootfs::BuildRoot(options.guest.root);
    if (!root.ok()) return root.status();
    native = RunNatively(options, *root, result.notes);
  }
  if (!native.ok()) return native.status();
  trace::Trace guest_trace;
  absl::Status status = RunInGuest(options, result, guest_trace);
  if (!status.ok()) return status;
  const trace::Trace native_trace = std::move(native->trace);
  result.native = OutcomeOf(*std::move(native));
  if (!result.Compared()) return result;
  result.outcome_differences = CompareOutcomes(result.native, result.guest);
  NoteLimits(result.native.out, result);
  NoteLimits(result.native.err, result);
  if (options.calls == NativeOptions::Calls::kRecord) {
    result.calls = CompareTraces(native_trace, guest_trace, options.trace);
    if (result.calls.truncated) {
      result.notes.push_back("more system calls than are kept: each task's first ones compared");
    }
  }
  return result;
}

}  // namespace fv::diff
