// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests that break one thing in a valid synthetic guest and expect the full checker
// to name it, with the right place.
#pragma once

#include <string>
#include <vector>

#include "src/oracle/finding.h"
#include "src/oracle/testing/sample_test.h"

namespace fv::oracle::testing {

class FullCheckTest : public SampleGuestTest {
 protected:
  std::vector<Finding> Check();
  // One line a finding.
  static std::string Names(const std::vector<Finding>& findings);
  // The first finding of `rule`; fails the test if there is none.
  Finding Expect(Rule rule);

  proto::TaskRecord* Task(GuestPtr task) { return g().Ptr<proto::TaskRecord>(task); }
  proto::VmaRecord* Vma(GuestPtr vma) { return g().Ptr<proto::VmaRecord>(vma); }
  // Of the parent.
  proto::MmRecord* Mm() { return g().Ptr<proto::MmRecord>(sample_.mm); }
  // Entries that the last Check() looked at.
  uint64_t walked() const { return walked_; }

 private:
  uint64_t walked_ = 0;
};

}  // namespace fv::oracle::testing
