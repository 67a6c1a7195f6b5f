// SPDX-License-Identifier: Apache-2.0
#include "src/lab/runner.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/strings/str_cat.h"
#include "src/bench/host.h"
#include "src/bench/samples.h"
#include "src/inspect/fork_strategies.h"

namespace fv::lab {
namespace {

// What KVM does for one fork again: two runs that differ in the number of forks alone.
constexpr uint64_t kMoreForksAgain = 4;

struct Run {
  std::string output;
  uint64_t tsc_khz = 0;  // of the guest; 0: the program measures it
  uint64_t kernel_ring = 0;
  vmm::KvmCounts kvm;
};

absl::StatusOr<Run> RunInGuest(const Systems& systems, const Cell& cell, uint64_t event_mask,
                               std::vector<std::string> arguments, CostCollector& costs) {
  session::GuestOptions guest = systems.guests.at(cell.system);
  guest.root.program = systems.program;
  guest.arguments = std::move(arguments);
  guest.ram_bytes = RamFor(systems, cell);
  guest.event_mask = event_mask;
  absl::StatusOr<bench::GuestOutput> run = bench::RunGuest(guest, {&costs});
  if (!run.ok()) return run.status();
  return Run{std::move(run->text), run->tsc_khz, run->kernel_ring, run->kvm};
}

absl::StatusOr<std::optional<KvmPerFork>> CountKvm(const Systems& systems, const Cell& cell) {
  vmm::KvmCounts counts[2];
  for (size_t i = 0; i < 2; ++i) {
    const uint64_t again = kForksAgain + i * kMoreForksAgain;
    CostCollector nobody(cell.depth, again);
    absl::StatusOr<Run> run =
        RunInGuest(systems, cell, /*event_mask=*/0, ProgramArguments(cell, 1, again), nobody);
    if (!run.ok()) return run.status();
    counts[i] = run->kvm;
  }
  if (!counts[0].known || !counts[1].known) return std::nullopt;
  const auto per_fork = [&](uint64_t vmm::KvmCounts::*member) {
    // The two runs may differ in ticks too, either way.
    const auto more =
        static_cast<double>(counts[1].*member) - static_cast<double>(counts[0].*member);
    return std::max(0.0, more / static_cast<double>(kMoreForksAgain));
  };
  return KvmPerFork{per_fork(&vmm::KvmCounts::exits), per_fork(&vmm::KvmCounts::emulated),
                    per_fork(&vmm::KvmCounts::faults)};
}

}  // namespace

uint64_t RamFor(const Systems& systems, const Cell& cell) {
  if (cell.native()) return RamFor(cell, proto::ForkMemory::kShares);
  const session::GuestOptions& guest = systems.guests.at(cell.system);
  return RamFor(cell, inspect::MemoryOfFork(guest.kernel_image, guest.fork_strategy));
}

absl::StatusOr<Batch> RunBatch(const Systems& systems, const Cell& cell, Batch::Kind kind,
                               uint64_t cycles) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> arguments = ProgramArguments(cell, cycles, kForksAgain);
  CostCollector costs(cell.depth, kForksAgain);
  Run run;
  if (cell.native()) {
    absl::StatusOr<std::string> output = bench::RunNative(systems.program, arguments);
    if (!output.ok()) return output.status();
    run.output = *std::move(output);
  } else {
    const uint64_t events = kind == Batch::Kind::kCounts ? kCountingEvents : kTimingEvents;
    absl::StatusOr<Run> guest = RunInGuest(systems, cell, events, arguments, costs);
    if (!guest.ok()) return guest.status();
    run = *std::move(guest);
  }
  absl::StatusOr<bench::Samples> samples = bench::ParseSamples(run.output);
  if (!samples.ok()) return samples.status();
  Batch batch{.cell = CellName(cell), .kind = kind, .cycles = cycles};
  batch.tsc_khz = run.tsc_khz != 0 ? run.tsc_khz : samples->tsc_khz;
  batch.kernel_ring = run.kernel_ring;
  batch.huge_bytes = samples->huge_bytes;
  batch.forks = costs.forks();
  if (kind == Batch::Kind::kCounts && !cell.native()) {
    absl::StatusOr<std::optional<KvmPerFork>> kvm = CountKvm(systems, cell);
    if (!kvm.ok()) return kvm.status();
    batch.kvm = *kvm;
  }
  if (kind == Batch::Kind::kTimes) {
    batch.series = {samples->by_mode.begin(), samples->by_mode.end()};
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  batch.seconds = seconds.count();
  if (batch.tsc_khz == 0) return absl::DataLossError("the program told no frequency");
  return batch;
}

}  // namespace fv::lab
