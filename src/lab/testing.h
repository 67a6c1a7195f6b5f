// SPDX-License-Identifier: Apache-2.0
//
// A small experiment with made-up numbers, for tests of the forms.
#pragma once

#include "src/lab/results.h"

namespace fv::lab {

// Two sizes, guest and native, six batches of each; the guest's forks with their costs.
inline LabResults MadeUpResults() {
  std::vector<Cell> cells;
  for (uint64_t size : {uint64_t{0}, uint64_t{64} << 20}) {
    for (const char* system : {"classic", "ondemand", kNative}) {
      cells.push_back({system, size, bench::Touch::kWrite, 1, 0, 1});
    }
  }
  Gatherer gatherer(cells);
  for (uint64_t round = 0; round < 6; ++round) {
    uint64_t cell_number = 0;
    for (const Cell& cell : cells) {
      ++cell_number;
      Batch batch{.cell = CellName(cell), .cycles = 2, .tsc_khz = 1'000'000, .seconds = 0.1};
      for (const SeriesName& name : kSeries) {
        for (uint64_t i = 0; i < 20; ++i) {
          batch.series[name.name].push_back(cell_number * 10'000 + round * 10 + i);
        }
      }
      if (!cell.native()) {
        ForkCost cost;
        cost.record.cycles.fill(500 * cell_number);
        cost.record.ptes = 100;
        batch.forks = {cost};
        cost.age = Age::kAgain;
        batch.forks.push_back(cost);
      }
      gatherer.Add(batch);
      batch.kind = Batch::Kind::kCounts;
      for (ForkCost& cost : batch.forks) cost.copied_child = 3;
      batch.kvm = KvmPerFork{60, 200, 30};
      if (round == 0 && !cell.native()) gatherer.Add(batch);
    }
  }
  LabResults results;
  results.context.cpu = "A <CPU> & more";
  results.context.kernel = "6.1";
  results.command = "forkvisor bench --vary=size,strategy";
  results.ended = Ended::kBudget;
  results.noise.load_highest = 5;
  results.cells = gatherer.Finish();
  return results;
}

}  // namespace fv::lab
