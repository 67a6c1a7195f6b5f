// SPDX-License-Identifier: Apache-2.0
#include "src/lab/laboratory.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/bench/host.h"

namespace fv::lab {
namespace {

// Cycles of the run that counts events: their numbers hardly differ between forks.
constexpr uint64_t kCountingCycles = 1;

std::string Duration(double seconds) {
  if (seconds < 90) return absl::StrFormat("%.0f s", seconds);
  if (seconds < 5400) return absl::StrFormat("%.0f min", seconds / 60);
  return absl::StrFormat("%.1f h", seconds / 3600);
}

class Laboratory {
 public:
  explicit Laboratory(const LabOptions& options)
      : options_(options),
        cells_(options.matrix.Cells()),
        program_("fork_lab", options.program),
        systems_(options.systems),
        noise_(pinned_.cpu()),
        gatherer_(cells_),
        schedule_(cells_.size(), options.goal) {
    systems_.program = program_.path();
  }

  absl::StatusOr<LabResults> Run() {
    absl::Status status = CheckMemory();
    if (status.ok()) status = Resume();
    while (status.ok() && !Stopped()) {
      const std::optional<Schedule::Step> step = schedule_.Next();
      if (!step) break;
      status = RunStep(*step);
    }
    if (!status.ok()) return status;
    LabResults results;
    results.context = bench::HostContext();
    results.context.kvm_backend = vmm::BackendName();
    results.context.mhz = mhz_;
    results.context.kernel_ring = kernel_ring_;
    results.ended = EndedBy();
    results.target_width = options_.goal.width;
    results.seconds = seconds_;
    results.noise = noise_.Finish();
    results.cells = gatherer_.Finish();
    return results;
  }

 private:
  bool Stopped() const { return options_.stop && options_.stop(); }

  Ended EndedBy() const {
    if (!schedule_.AllDone()) {
      return schedule_.budget_spent() ? Ended::kBudget : Ended::kInterrupted;
    }
    return options_.goal.repetitions > 0 ? Ended::kRepetitions : Ended::kPrecise;
  }

  absl::Status CheckMemory() const {
    const uint64_t available = bench::AvailableMemory();
    for (const Cell& cell : cells_) {
      const uint64_t needed = RamFor(systems_, cell);
      if (available == 0 || available >= needed) continue;
      return absl::ResourceExhaustedError(absl::StrCat("the host has ", available >> 20,
                                                       " MiB free, the cell ", CellName(cell),
                                                       " may need ", needed >> 20));
    }
    return absl::OkStatus();
  }

  absl::Status Resume() {
    if (options_.resume.empty()) return absl::OkStatus();
    absl::StatusOr<Journal> journal = Journal::Open(options_.resume, options_.identity);
    if (!journal.ok()) return journal.status();
    journal_.emplace(*std::move(journal));
    for (const Batch& batch : journal_->batches()) {
      noise_.AddCalibration(batch.calibration);
      Take(batch);
    }
    if (!journal_->batches().empty()) {
      Say(absl::StrCat("resumed with ", journal_->batches().size(), " batches"));
    }
    return absl::OkStatus();
  }

  void Take(const Batch& batch) {
    const std::optional<size_t> cell = gatherer_.Add(batch);
    if (!cell) return;
    seconds_ += batch.seconds;
    mhz_ = static_cast<double>(batch.tsc_khz) / 1000;
    if (!cells_[*cell].native()) kernel_ring_ = absl::StrCat(batch.kernel_ring);
    if (batch.kind == Batch::Kind::kTimes) {
      schedule_.Record(*cell, batch.cycles, batch.seconds, gatherer_.at(*cell).Width());
    } else {
      schedule_.Spend(batch.seconds);
    }
  }

  // A cell's first step counts before it times.
  absl::Status RunStep(const Schedule::Step& step) {
    const Cell& cell = cells_[step.cell];
    if (!cell.native() && !gatherer_.counted(step.cell)) {
      absl::Status status = RunOne(cell, Batch::Kind::kCounts, kCountingCycles);
      if (!status.ok() || Stopped()) return status;
    }
    absl::Status status = RunOne(cell, Batch::Kind::kTimes, step.cycles);
    if (!status.ok()) return status;
    const double width = gatherer_.at(step.cell).Width();
    const std::string known =
        std::isfinite(width) ? absl::StrFormat("interval %.1f %%", width * 100) : "too few samples";
    Say(absl::StrFormat("round %d, %d of %d cells done, %s to go: %s, %s", schedule_.round(),
                        schedule_.DoneCount(), cells_.size(), Duration(schedule_.SecondsLeft()),
                        CellName(cell), known));
    return absl::OkStatus();
  }

  absl::Status RunOne(const Cell& cell, Batch::Kind kind, uint64_t cycles) {
    const uint64_t calibration = noise_.Calibrate();
    absl::StatusOr<Batch> batch = RunBatch(systems_, cell, kind, cycles);
    if (!batch.ok()) {
      return absl::Status(batch.status().code(),
                          absl::StrCat(CellName(cell), ": ", batch.status().message()));
    }
    batch->calibration = calibration;
    Take(*batch);
    return journal_ ? journal_->Append(*batch) : absl::OkStatus();
  }

  void Say(const std::string& line) const {
    if (options_.progress) options_.progress(line);
  }

  const LabOptions& options_;
  std::vector<Cell> cells_;
  bench::TemporaryProgram program_;
  Systems systems_;
  bench::PinnedCpu pinned_;
  NoiseWatch noise_;
  Gatherer gatherer_;
  Schedule schedule_;
  std::optional<Journal> journal_;
  double seconds_ = 0;
  double mhz_ = 0;
  std::string kernel_ring_ = "-";
};

}  // namespace

absl::StatusOr<LabResults> RunLaboratory(const LabOptions& options) {
  return Laboratory(options).Run();
}

}  // namespace fv::lab
