// SPDX-License-Identifier: Apache-2.0
//
// A run is a forked process: a session has signals, a terminal and descriptors of its own, and a
// mutant that hangs or breaks its guest disturbs no other. Results come back through a pipe.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/bench/host.h"
#include "src/mutants/mutants.h"
#include "src/oracle/finding.h"
#include "src/session/oracle_observer.h"
#include "src/session/session.h"
#include "vmm/fd.h"

namespace fv::mutants {
namespace {

// A run takes a fraction of a second; a mutant that makes its program wait for ever is not caught.
constexpr uint64_t kLimitNs = 30'000'000'000;

using Clock = std::chrono::steady_clock;

[[noreturn]] void Throw(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// The rule of the finding that counts.
std::string RuleOf(const session::OracleObserver& oracle, unsigned invariant) {
  for (const oracle::Rule rule : oracle.rules()) {
    if (oracle::InvariantOf(rule) == invariant) return oracle::RuleName(rule);
  }
  return oracle.rules().empty() ? "" : oracle::RuleName(oracle.rules().front());
}

std::string FailureOf(const session::SessionResult& result) {
  switch (result.end) {
    case session::SessionEnd::kObserverStopped:
      return "";
    case session::SessionEnd::kExited:
      return result.wait_status == 0
                 ? ""
                 : absl::StrCat("the program ended with wait status ", result.wait_status);
    case session::SessionEnd::kPanic:
      return "the kernel panicked: " + result.message;
    case session::SessionEnd::kTimeout:
      return "the run took too long";
    default:
      return "the guest failed: " + result.message;
  }
}

Outcome RunOne(const GradeOptions& options, const MutantInfo& mutant, const std::string& program) {
  const ProbeInfo& probe = AllProbes()[static_cast<size_t>(mutant.probe)];
  session::GuestOptions guest_options = options.guest;
  guest_options.root.program = program;
  guest_options.root.busybox = rootfs::Busybox::kNever;
  guest_options.arguments.clear();
  if (*probe.argument != '\0') guest_options.arguments.emplace_back(probe.argument);
  guest_options.fork_strategy = probe.strategy;
  guest_options.mutant = mutant.number;
  guest_options.boot_flags = session::CheckBootFlags(oracle::CheckMode::kEvery);
  guest_options.event_mask = session::CheckEventMask(oracle::CheckMode::kEvery);
  guest_options.timeout_ns = kLimitNs;
  absl::StatusOr<session::Guest> guest = session::StartGuest(guest_options);
  if (!guest.ok()) return {.failure = std::string(guest.status().message())};
  const vmm::Fd output = bench::MemoryFile();
  session::OracleObserver oracle(*guest->machine, {.mode = oracle::CheckMode::kEvery});
  const session::SessionResult result =
      session::Session(*guest->machine, {.output = output.get(),
                                         .error = output.get(),
                                         .stdin_mode = session::SessionOptions::Stdin::kEmpty,
                                         .timeout_ns = kLimitNs,
                                         .kernel_log = nullptr,
                                         .observers = {&oracle}})
          .Run();
  Outcome outcome;
  outcome.broken = oracle.broken_invariants();
  outcome.rule = RuleOf(oracle, mutant.invariant);
  outcome.safepoints = oracle.stats().safepoints;
  outcome.failure = FailureOf(result);
  return outcome;
}

// One line: what the process that asked has to know.
std::string Pack(const Outcome& outcome) {
  return absl::StrCat(outcome.broken, "\t", outcome.rule, "\t", outcome.safepoints, "\t",
                      outcome.failure);
}

Outcome Unpack(const std::string& line) {
  const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits('\t', 3));
  Outcome outcome;
  if (fields.size() != 4 || !absl::SimpleAtoi(fields[0], &outcome.broken) ||
      !absl::SimpleAtoi(fields[2], &outcome.safepoints)) {
    outcome.failure = "the process of the run died";
    return outcome;
  }
  outcome.rule = fields[1];
  outcome.failure = fields[3];
  return outcome;
}

// Instead of an outcome's line, what was thrown behind it.
constexpr char kHostFailed = '!';

// A run in progress; its process ends with the object.
class Worker {
 public:
  // `row` has the mutant and gets the outcome.
  Worker(const GradeOptions& options, const std::string& program, Row& row)
      : row_(row), started_(Clock::now()) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) Throw("pipe2");
    result_ = vmm::Fd(ends[0]);
    const vmm::Fd write_end(ends[1]);
    pid_ = fork();
    if (pid_ < 0) Throw("fork");
    if (pid_ == 0) Run(options, program, write_end.get());
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  int fd() const { return result_.get(); }
  // REQUIRES: fd() is readable. Throws std::runtime_error if there was no run: the host failed.
  const Row& Finish() const {
    std::string line;
    char piece[512];
    for (ssize_t got; (got = read(result_.get(), piece, sizeof(piece))) > 0;) {
      line.append(piece, static_cast<size_t>(got));
    }
    if (line.starts_with(kHostFailed)) throw std::runtime_error(line.substr(1));
    row_.outcome = Unpack(line);
    row_.outcome.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    return row_;
  }

 private:
  [[noreturn]] void Run(const GradeOptions& options, const std::string& program, int to) const {
    std::string line;
    try {
      line = Pack(RunOne(options, row_.mutant, program));
    } catch (const std::exception& error) {
      line = kHostFailed + std::string(error.what());
    }
    const bool written = write(to, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    _exit(written ? 0 : 1);
  }

  Row& row_;
  Clock::time_point started_;
  vmm::Fd result_;
  pid_t pid_ = -1;
};

// Index of a worker that has a result.
size_t WaitForOne(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<pollfd> polled;
  polled.reserve(workers.size());
  for (const auto& worker : workers) polled.push_back({worker->fd(), POLLIN, 0});
  for (;;) {
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) Throw("poll");
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) return i;
    }
  }
}

}  // namespace

Grade RunGrade(const GradeOptions& options) {
  Grade grade;
  for (size_t probe = 0; probe < AllProbes().size(); ++probe) {
    grade.clean.push_back({{0, "", 0, static_cast<proto::MutantProbe>(probe), "none"}, Outcome{}});
  }
  for (const MutantInfo& mutant : options.mutants) grade.mutants.push_back({mutant, Outcome{}});
  std::vector<Row*> rows;
  for (Row& row : grade.clean) rows.push_back(&row);
  for (Row& row : grade.mutants) rows.push_back(&row);

  std::vector<std::unique_ptr<bench::TemporaryProgram>> files;
  for (const Program& program : options.programs) {
    files.push_back(std::make_unique<bench::TemporaryProgram>(program.name, program.bytes));
  }
  const auto path_of = [&](const MutantInfo& mutant) {
    const std::string name = AllProbes()[static_cast<size_t>(mutant.probe)].program;
    for (const auto& file : files) {
      if (file->path().ends_with("/" + name)) return file->path();
    }
    throw std::system_error(ENOENT, std::generic_category(), name);
  };
  std::vector<std::unique_ptr<Worker>> workers;
  size_t next = 0;
  std::fflush(nullptr);  // a child would write what is buffered again
  while (next < rows.size() || !workers.empty()) {
    if (next < rows.size() && workers.size() < options.at_once) {
      Row& row = *rows[next++];
      workers.push_back(std::make_unique<Worker>(options, path_of(row.mutant), row));
      continue;
    }
    const size_t done = WaitForOne(workers);
    const Row& row = workers[done]->Finish();
    if (options.progress) options.progress(row);
    workers.erase(workers.begin() + static_cast<ptrdiff_t>(done));
  }
  return grade;
}

}  // namespace fv::mutants
