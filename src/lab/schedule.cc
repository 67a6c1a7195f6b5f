// SPDX-License-Identifier: Apache-2.0
#include "src/lab/schedule.h"

#include <algorithm>
#include <cmath>

namespace fv::lab {
namespace {

// A batch of more says nothing new about what differs between guests.
constexpr uint64_t kMostCycles = 100;
constexpr uint64_t kFirstCycles = 1;

}  // namespace

bool Schedule::Done(size_t cell) const {
  const Progress& progress = cells_[cell];
  if (goal_.repetitions > 0) return progress.cycles >= goal_.repetitions;
  return progress.rounds >= goal_.rounds && progress.width <= goal_.width;
}

size_t Schedule::DoneCount() const {
  size_t done = 0;
  for (size_t cell = 0; cell < cells_.size(); ++cell) done += Done(cell);
  return done;
}

uint64_t Schedule::CyclesFor(const Progress& cell) const {
  uint64_t cycles = kFirstCycles;
  if (cell.cycles > 0 && cell.seconds > 0) {
    const double each = cell.seconds / static_cast<double>(cell.cycles);
    cycles = std::clamp(static_cast<uint64_t>(goal_.batch_s / each), uint64_t{1}, kMostCycles);
  }
  if (goal_.repetitions == 0) return cycles;
  // As many batches as rounds are wanted, if there are repetitions enough.
  const uint64_t share = (goal_.repetitions + goal_.rounds - 1) / goal_.rounds;
  return std::min({cycles, share, goal_.repetitions - cell.cycles});
}

std::optional<Schedule::Step> Schedule::Next() {
  if (budget_spent() || AllDone()) return std::nullopt;
  while (true) {
    if (order_.empty()) {
      for (size_t cell = 0; cell < cells_.size(); ++cell) {
        if (!Done(cell)) order_.push_back(cell);
      }
      std::shuffle(order_.begin(), order_.end(), random_);
      ++round_;
    }
    const size_t cell = order_.back();
    order_.pop_back();
    if (!Done(cell)) return Step{cell, CyclesFor(cells_[cell])};
  }
}

void Schedule::Record(size_t cell, uint64_t cycles, double seconds, double width) {
  Progress& progress = cells_[cell];
  progress.cycles += cycles;
  progress.seconds += seconds;
  progress.width = width;
  ++progress.rounds;
  spent_s_ += seconds;
}

double Schedule::SecondsLeft() const {
  // For a cell that nobody has measured, what the others took for a round.
  double mean = 0;
  unsigned batches = 0;
  for (const Progress& cell : cells_) {
    mean += cell.seconds;
    batches += cell.rounds;
  }
  mean = batches == 0 ? goal_.batch_s : mean / batches;
  double left = 0;
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (Done(i)) continue;
    const Progress& cell = cells_[i];
    const double least = mean * (goal_.rounds > cell.rounds ? goal_.rounds - cell.rounds : 1);
    double more = 0;
    if (goal_.repetitions > 0 && cell.cycles > 0) {
      more = cell.seconds * static_cast<double>(goal_.repetitions - cell.cycles) /
             static_cast<double>(cell.cycles);
    } else if (goal_.repetitions == 0 && std::isfinite(cell.width)) {
      more = cell.seconds * (std::pow(cell.width / goal_.width, 2) - 1);
    }
    left += std::max(goal_.repetitions > 0 && cell.cycles > 0 ? 0 : least, more);
  }
  return std::min(left, std::max(0.0, goal_.budget_s - spent_s_));
}

}  // namespace fv::lab
