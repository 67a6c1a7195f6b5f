// SPDX-License-Identifier: Apache-2.0
//
// Machines of the snapshot, each with a run of its program to the end; then one machine that runs
// it and goes back, time after time, and is compared with the snapshot. Standard input is read once
// and given to every run, standard output goes nowhere.
#include "src/cli/bench_snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/host.h"
#include "src/bench/statistics.h"
#include "src/cli/choice.h"
#include "src/cli/exit_codes.h"
#include "src/cli/flags.h"
#include "src/cli/output.h"
#include "src/cli/verbs.h"
#include "src/session/console.h"
#include "src/session/from_snapshot.h"
#include "src/session/session.h"
#include "vmm/clock.h"
#include "vmm/fd.h"

DECLARE_string(format);
DECLARE_string(out);
DECLARE_uint64(repetitions);

namespace fv::cli {
namespace {

constexpr uint64_t kUsualRepetitions = 200;
constexpr uint64_t kMachines = 10;  // at the same time

struct Costs {
  std::vector<uint64_t> machine_ns;  // to make one
  std::vector<uint64_t> first_ns;    // to make one, and its program's run
  std::vector<uint64_t> run_ns;      // later runs
  std::vector<uint64_t> reset_ns;
  std::vector<uint64_t> proof_ns;
  vmm::RestoreStats sum;         // of the resets
  uint64_t machine_bytes = 0;    // private, before its program runs
  uint64_t after_run_bytes = 0;  // and at the end of it
  uint64_t differences = 0;      // that the proofs found
};

// All of standard input, for run after run.
vmm::Fd ReadInput() {
  vmm::Fd input = bench::MemoryFile();
  if (isatty(STDIN_FILENO)) return input;
  char bytes[4096];
  for (ssize_t got; (got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0;) {
    (void)session::WriteAll(input.get(), {bytes, static_cast<size_t>(got)});
  }
  return input;
}

class SnapshotBench {
 public:
  explicit SnapshotBench(session::SnapshotGuest start)
      : start_(std::move(start)),
        input_(ReadInput()),
        nowhere_(open("/dev/null", O_WRONLY | O_CLOEXEC)) {}

  absl::StatusOr<Costs> Measure(uint64_t repetitions) {
    absl::Status status = MeasureMachines();
    for (uint64_t i = 0; i < repetitions && status.ok(); ++i) status = MeasureReset();
    if (!status.ok()) return status;
    return std::move(costs_);
  }

 private:
  absl::Status Run(vmm::Machine& machine) {
    session::SetObserved(machine, 0, 0);
    lseek(input_.get(), 0, SEEK_SET);
    session::SessionOptions options{.input = input_.get()};
    options.output = options.error = nowhere_.get();
    const session::SessionResult result = session::Session(machine, options).Run();
    if (result.end == session::SessionEnd::kExited) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the guest failed: ", result.message));
  }

  absl::Status MeasureMachines() {
    std::vector<std::unique_ptr<vmm::Machine>> machines;
    const uint64_t before = bench::PrivateBytes();
    for (uint64_t i = 0; i < kMachines; ++i) {
      const uint64_t start_ns = vmm::MonotonicNs();
      machines.push_back(std::make_unique<vmm::Machine>(*start_.guest.kvm, start_.snapshot,
                                                        vmm::WatchdogConfig{}));
      costs_.machine_ns.push_back(vmm::MonotonicNs() - start_ns);
    }
    const uint64_t made = bench::PrivateBytes();
    costs_.machine_bytes = (made - before) / kMachines;
    for (uint64_t i = 0; i < kMachines; ++i) {
      const uint64_t start_ns = vmm::MonotonicNs();
      if (absl::Status status = Run(*machines[i]); !status.ok()) return status;
      costs_.first_ns.push_back(costs_.machine_ns[i] + vmm::MonotonicNs() - start_ns);
    }
    costs_.after_run_bytes = (bench::PrivateBytes() - before) / kMachines;
    return absl::OkStatus();
  }

  absl::Status MeasureReset() {
    vmm::Machine& machine = *start_.guest.on_kvm;
    const uint64_t start_ns = vmm::MonotonicNs();
    if (absl::Status status = Run(machine); !status.ok()) return status;
    const uint64_t ran_ns = vmm::MonotonicNs();
    const vmm::RestoreStats stats = machine.Restore(start_.snapshot);
    const uint64_t reset_ns = vmm::MonotonicNs();
    const vmm::StateDifference difference = machine.Compare(*start_.snapshot);
    costs_.proof_ns.push_back(vmm::MonotonicNs() - reset_ns);
    costs_.reset_ns.push_back(reset_ns - ran_ns);
    costs_.run_ns.push_back(ran_ns - start_ns);
    costs_.differences += difference.page_count + difference.registers.size();
    costs_.sum.pages += stats.pages;
    costs_.sum.table_pages += stats.table_pages;
    costs_.sum.words += stats.words;
    costs_.sum.memory_ns += stats.memory_ns;
    return absl::OkStatus();
  }

  session::SnapshotGuest start_;
  vmm::Fd input_;
  vmm::Fd nowhere_;
  Costs costs_;
};

double Mean(uint64_t sum, size_t count) {
  return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
}

std::string ConsoleText(const Costs& costs) {
  std::string text = absl::StrFormat("%-34s%10s%10s%10s\n", "us", "p50", "p90", "p99");
  const auto row = [&text](const char* name, const std::vector<uint64_t>& samples) {
    const bench::Summary us = bench::Summarize(samples, 1e-3);
    absl::StrAppendFormat(&text, "%-34s%10.1f%10.1f%10.1f\n", name, us.p50, us.p90, us.p99);
  };
  row("machine from the snapshot", costs.machine_ns);
  row("machine and its first run", costs.first_ns);
  row("run after a reset", costs.run_ns);
  row("reset", costs.reset_ns);
  row("proof", costs.proof_ns);
  const size_t resets = costs.reset_ns.size();
  absl::StrAppendFormat(
      &text,
      "a reset copies %.1f pages (%.2f us each); of %.1f page tables the guest writes %.1f words\n"
      "a machine has %d KiB of its own, %d KiB after its run\n%d resets, %d differences\n",
      Mean(costs.sum.pages, resets),
      Mean(costs.sum.memory_ns, std::max<uint64_t>(costs.sum.pages, 1)) / 1e3,
      Mean(costs.sum.table_pages, resets), Mean(costs.sum.words, resets),
      costs.machine_bytes / 1024, costs.after_run_bytes / 1024, resets, costs.differences);
  return text;
}

std::string JsonText(const Costs& costs) {
  nlohmann::ordered_json json;
  const auto add = [&json](const char* name, const std::vector<uint64_t>& samples) {
    const bench::Summary us = bench::Summarize(samples, 1e-3);
    json[name] = {{"p50", us.p50}, {"p90", us.p90}, {"p99", us.p99}};
  };
  add("machine_us", costs.machine_ns);
  add("machine_and_run_us", costs.first_ns);
  add("run_us", costs.run_ns);
  add("reset_us", costs.reset_ns);
  add("proof_us", costs.proof_ns);
  const size_t resets = costs.reset_ns.size();
  json["resets"] = resets;
  json["pages"] = Mean(costs.sum.pages, resets);
  json["page_tables"] = Mean(costs.sum.table_pages, resets);
  json["words"] = Mean(costs.sum.words, resets);
  json["machine_bytes"] = costs.machine_bytes;
  json["machine_bytes_after_run"] = costs.after_run_bytes;
  json["differences"] = costs.differences;
  return json.dump(2) + "\n";
}

using Formatter = std::string (*)(const Costs&);
constexpr Choice<Formatter> kFormats[] = {{"console", &ConsoleText}, {"json", &JsonText}};

}  // namespace

int BenchSnapshot() {
  absl::StatusOr<Formatter> format = Choose("format", FLAGS_format, kFormats);
  if (!format.ok()) return StatusError(format.status());
  absl::StatusOr<std::span<const uint8_t>> kernel = KernelImage();
  if (!kernel.ok()) return StatusError(kernel.status());
  SnapshotBench bench(session::StartFromSnapshot({FLAGS_from, *kernel, 0, FLAGS_kvm_device}));
  const absl::StatusOr<Costs> costs =
      bench.Measure(FLAGS_repetitions == 0 ? kUsualRepetitions : FLAGS_repetitions);
  if (!costs.ok()) {
    Complain(costs.status());
    return kExitGuestFailure;
  }
  const int written = WriteOut((*format)(*costs), FLAGS_out);
  return written == kExitOk && costs->differences != 0 ? kExitFinding : written;
}

}  // namespace fv::cli
