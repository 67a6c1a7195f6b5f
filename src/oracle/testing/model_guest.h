// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests about the reference model (I21, I22): a synthetic guest whose kernel says
// what it does; the test damages what it did, or lies for it.
#pragma once

#include <string>
#include <vector>

#include "src/model/world.h"
#include "src/oracle/incremental.h"
#include "src/oracle/testing/sample_test.h"

namespace fv::oracle::testing {

// Of the heap: parent and child share it; nobody has touched it.
inline constexpr uint64_t kPageAt = kHeapAt + 2 * proto::kPageBytes;
inline constexpr uint64_t kFreshAt = kHeapAt + (kPrivatePages + 2) * proto::kPageBytes;

class ModelTest : public SampleGuestTest {
 protected:
  ModelTest();

  // The kernel says something, behind what it has said by itself.
  void Say(proto::EventKind kind, uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0,
           uint64_t e = 0);
  // Ends a step; the findings of the two invariants, as the names of their rules.
  std::string Step(ContentGuard::Gap gap = ContentGuard::Gap::kNone);

  void Scribble(uint64_t pfn) { *FrameWord(pfn, 7) += 1; }
  GuestPtr ChildHeap() { return g().Vmas(sample_.child_mm)[2]; }
  void Run(GuestPtr mm) { Say(proto::EventKind::kSwitch, 0, 0, mm); }
  const WatchedFrames& watched() const { return checker_.watched(); }

 private:
  void Follow();

  model::World world_;
  IncrementalChecker checker_;
  std::vector<proto::EventRecord> events_;
};

}  // namespace fv::oracle::testing
