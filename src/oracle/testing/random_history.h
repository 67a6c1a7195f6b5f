// SPDX-License-Identifier: Apache-2.0
//
// A synthetic guest under random operations, each of which keeps every invariant: fork, exit, new
// and lost mappings, write protection, writes. A seed is a history.
#pragma once

#include <random>
#include <vector>

#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle::testing {

class RandomHistory {
 public:
  struct Process {
    GuestPtr task;
    GuestPtr mm;
  };

  explicit RandomHistory(uint32_t seed);

  SampleGuest& sample() { return sample_; }
  GuestBuilder& g() { return sample_.guest; }
  uint64_t Random(uint64_t below) { return random_() % below; }
  // The sample's child, and what came of it; never empty.
  const std::vector<Process>& processes() const { return processes_; }

  // One operation.
  void Operate();

 private:
  void Fork(GuestPtr parent);
  void Exit(size_t index);
  void Map(GuestPtr mm);
  void OpenFile(GuestPtr task);
  void TouchSome(GuestPtr mm, GuestPtr vma);

  SampleGuest sample_;
  std::mt19937_64 random_;
  std::vector<Process> processes_;
  uint32_t next_pid_ = 10;
  uint64_t next_address_;
};

}  // namespace fv::oracle::testing
