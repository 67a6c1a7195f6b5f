// SPDX-License-Identifier: Apache-2.0
//
// Which cell runs next, how long, and when enough is known. Cells are interleaved in rounds, each
// in a new random order (of a fixed seed), so that no cell always has the same neighbours and a
// slow minute of the host hits all. A cell leaves when it is precise. Pure: knows no clock and no
// guest.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace fv::lab {

struct Goal {
  double width = 0.02;       // of the median's confidence interval, in parts of the median
  double budget_s = 600;     // time for all batches together
  uint64_t repetitions = 0;  // cycles of each cell, and the width does not matter; 0: by width
  unsigned rounds = 5;       // at least, so that a cell has seen several guests
  double batch_s = 0.5;      // of the program's time in a batch
};

class Schedule {
 public:
  Schedule(size_t cells, const Goal& goal) : goal_(goal), cells_(cells) {}

  struct Step {
    size_t cell = 0;
    uint64_t cycles = 0;
  };
  // Nothing: every cell is done, or the budget is spent.
  std::optional<Step> Next();

  // A batch of the cell was made; `width` is what is known now, of all its batches.
  void Record(size_t cell, uint64_t cycles, double seconds, double width);

  // Time that was spent otherwise, also part of the budget.
  void Spend(double seconds) { spent_s_ += seconds; }

  bool Done(size_t cell) const;
  size_t DoneCount() const;
  bool budget_spent() const { return spent_s_ >= goal_.budget_s; }
  // Whether anybody waits for more, budget or not.
  bool AllDone() const { return DoneCount() == cells_.size(); }
  unsigned round() const { return round_; }
  // Guess: the width shrinks with the square root of the samples.
  double SecondsLeft() const;

 private:
  struct Progress {
    uint64_t cycles = 0;
    unsigned rounds = 0;
    double seconds = 0;
    double width = 0;
  };
  uint64_t CyclesFor(const Progress& cell) const;

  Goal goal_;
  std::vector<Progress> cells_;
  std::vector<size_t> order_;  // what is left of the round, from the back
  unsigned round_ = 0;
  double spent_s_ = 0;
  std::mt19937 random_{1};
};

}  // namespace fv::lab
