// SPDX-License-Identifier: Apache-2.0
#include "src/cli/bench_matrix.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/host.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/fork_lab_program.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "src/inspect/fork_strategies.h"
#include "src/lab/laboratory.h"
#include "src/lab/report/page.h"
#include "src/lab/stop_signals.h"
#include "src/rootfs/host_files.h"
#include "tools/build_info/build_info.h"
#include "vmm/error.h"
#include "vmm/fd.h"
#include "vmm/snapshot/hash.h"

DECLARE_string(format);
DECLARE_string(out);
DECLARE_uint64(repetitions);
DECLARE_bool(native);
DEFINE_string(vary, "", "the laboratory's matrix: AXIS[:VALUE+VALUE...],...");
DEFINE_string(budget, "10m", "longest time of the laboratory");
DEFINE_double(width, 2, "percent: a median's interval that is narrow enough");
DEFINE_string(report, "", "write a page with charts to this file");
DEFINE_string(resume, "", "keep the experiment in this file, and go on where it ended");

namespace fv::cli {
namespace {

using Clock = std::chrono::steady_clock;

// What only the laboratory has.
constexpr const char* kFlags[] = {"vary", "budget", "width", "resume", "report"};

constexpr uint64_t kUsualSize = uint64_t{64} << 20;

// `strategies`: all that the kernel has.
lab::AxisDefaults Defaults(const MatrixRequest& request, std::vector<std::string> strategies) {
  lab::Matrix fixed{{FLAGS_strategy}, {kUsualSize}, {request.touch}, {1}, {0}, {1}, FLAGS_native};
  if (request.sizes_given || FLAGS_vary.empty()) fixed.sizes = request.sizes;
  lab::Matrix varied = fixed;
  varied.strategies = std::move(strategies);
  varied.sizes = request.sizes;
  varied.touches = {std::begin(bench::kTouches), std::end(bench::kTouches)};
  varied.vmas = {1, 16, 256};
  varied.depths = {0, 1, 4};
  varied.dirty = {0, 10, 100};
  return {fixed, varied};
}

// A guest's options for each strategy.
absl::StatusOr<lab::Systems> MakeSystems(const std::vector<std::string>& strategies) {
  Arguments program;
  program.words = {"fork_lab"};
  absl::StatusOr<session::GuestOptions> guest = GuestOptionsFromFlags(program);
  if (!guest.ok()) return guest.status();
  lab::Systems systems;
  for (const std::string& strategy : strategies) {
    absl::Status known = inspect::CheckForkStrategy(guest->kernel_image, strategy);
    if (!known.ok()) return known;
    guest->fork_strategy = strategy;
    systems.guests[strategy] = *guest;
  }
  return systems;
}

std::string Fingerprint(std::span<const uint8_t> bytes) {
  return absl::StrFormat("%d bytes, %016x", bytes.size(), vmm::HashBytes(bytes));
}

std::string MatrixText(const std::vector<lab::Cell>& cells) {
  std::string text;
  for (const lab::Cell& cell : cells)
    absl::StrAppend(&text, text.empty() ? "" : " ", CellName(cell));
  return text;
}

lab::Identity IdentityOf(const lab::LabOptions& options, std::span<const uint8_t> kernel) {
  const bench::Context host = bench::HostContext();
  const std::string cells = MatrixText(options.matrix.Cells());
  return {{"matrix", cells},
          {"machine", absl::StrFormat("%s: %s, %d CPUs, Linux %s", host.host_name, host.cpu,
                                      host.cpus, host.kernel)},
          {"program", Fingerprint(options.program)},
          {"guest kernel", Fingerprint(kernel)},
          {"kernel_ring", FLAGS_kernel_ring}};
}

constexpr std::chrono::seconds kBetweenLines(2);

// On a terminal one line that changes; else a line now and then.
std::function<void(const std::string&)> Progress() {
  if (isatty(STDERR_FILENO) != 0) {
    return [](const std::string& line) {
      std::fprintf(stderr, "\r\033[Kbench: %.110s", line.c_str());
    };
  }
  return [last = Clock::time_point()](const std::string& line) mutable {
    if (Clock::now() - last < kBetweenLines) return;
    last = Clock::now();
    std::fprintf(stderr, "bench: %s\n", line.c_str());
  };
}

// Where the experiment is kept: the file of --resume, or one of its own that goes when the
// experiment has come to its end.
class JournalFile {
 public:
  // Throws vmm::VmmError.
  JournalFile() : path_(FLAGS_resume) {
    if (!path_.empty()) return;
    const char* top = std::getenv("TMPDIR");
    path_ = absl::StrCat(top == nullptr ? "/tmp" : top, "/forkvisor-bench-XXXXXX");
    const vmm::Fd file(mkstemp(path_.data()));
    if (!file.valid()) vmm::ThrowErrno(path_, errno);
    is_own_ = true;
  }
  ~JournalFile() {
    if (is_own_) unlink(path_.c_str());
  }
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  const std::string& path() const { return path_; }
  void Keep() { is_own_ = false; }

 private:
  std::string path_;
  bool is_own_ = false;
};

absl::StatusOr<lab::LabOptions> OptionsFor(const MatrixRequest& request) {
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return kernel.status();
  absl::StatusOr<lab::Matrix> matrix =
      lab::ParseVary(FLAGS_vary, Defaults(request, StrategyNames(*kernel)), &ParseSize);
  if (!matrix.ok()) return matrix.status();
  absl::StatusOr<double> budget = ParseDuration("budget", FLAGS_budget);
  if (!budget.ok()) return budget.status();
  if (!(*budget > 0)) return absl::InvalidArgumentError("--budget is more than 0");
  if (!(FLAGS_width > 0)) return absl::InvalidArgumentError("--width is more than 0 percent");
  absl::StatusOr<lab::Systems> systems = MakeSystems(matrix->strategies);
  if (!systems.ok()) return systems.status();
  lab::LabOptions options;
  options.matrix = *std::move(matrix);
  options.goal.width = FLAGS_width / 100;
  options.goal.budget_s = *budget;
  options.goal.repetitions = FLAGS_repetitions;
  options.systems = *std::move(systems);
  options.program = embedded::ForkLabProgram();
  options.identity = IdentityOf(options, *kernel);
  options.progress = Progress();
  return options;
}

// A file of --resume that cannot be, or is another experiment's.
bool IsUsers(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status) ||
         absl::IsNotFound(status) || absl::IsPermissionDenied(status);
}

using Formatter = std::string (*)(const lab::LabResults&);

constexpr Choice<Formatter> kFormats[] = {{"console", &lab::FormatLabTable},
                                          {"json", &lab::FormatLabJson},
                                          {"csv", &lab::FormatLabCsv},
                                          {"hgrm", &lab::FormatHistograms}};

// What was measured, and by which signal it was ended if it was.
struct Outcome {
  absl::StatusOr<lab::LabResults> results;
  std::optional<int> signal_number;
};

Outcome Measure(lab::LabOptions options) {
  const lab::StopSignals signals(&SayStopping);
  options.stop = [&signals] { return signals.stop().has_value(); };
  absl::StatusOr<lab::LabResults> results = lab::RunLaboratory(options);
  return {std::move(results), signals.stop()};
}

}  // namespace

void SayStopping(int number) {
  const char* newline = isatty(STDERR_FILENO) != 0 ? "\n" : "";
  std::fprintf(stderr, "%sbench: SIG%s: stops after this run; once more, at once\n", newline,
               sigabbrev_np(number));
}

std::vector<std::string_view> MatrixFlags() { return {std::begin(kFlags), std::end(kFlags)}; }

bool WantsMatrix() {
  return FLAGS_format == "hgrm" || std::any_of(std::begin(kFlags), std::end(kFlags), &Given);
}

int BenchMatrix(const MatrixRequest& request) {
  absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  absl::StatusOr<lab::LabOptions> options = OptionsFor(request);
  if (!options.ok()) return StatusError(options.status());
  JournalFile journal;
  options->resume = journal.path();
  auto [results, signal_number] = Measure(*std::move(options));
  if (isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  if (!results.ok()) {
    Complain(results.status());
    if (IsUsers(results.status())) return kExitUsage;
    return absl::IsResourceExhausted(results.status()) ? kExitHostFailure : kExitGuestFailure;
  }
  results->context.commit = std::string(BuildCommit());
  results->context.executable = "forkvisor bench";
  results->context.strategy = FLAGS_strategy;
  results->command = request.command;
  results->matrix = FLAGS_vary;
  for (const std::string& warning : lab::NoiseWarnings(results->noise)) {
    std::fprintf(stderr, "bench: warning: %s\n", warning.c_str());
  }
  const bool interrupted = results->ended == lab::Ended::kInterrupted;
  if (interrupted) journal.Keep();
  if (!FLAGS_report.empty()) {
    const int wrote = WriteOut(lab::report::Page(*results), FLAGS_report);
    if (wrote != kExitOk) return wrote;
  }
  const int wrote = WriteOut((*format)(*results), FLAGS_out);
  if (!interrupted || wrote != kExitOk) return wrote;
  Complain(absl::StrCat("interrupted; the same command with --resume=", journal.path(),
                        " goes on from what is finished"));
  return ExitBySignal(signal_number.value_or(0));
}

}  // namespace fv::cli
