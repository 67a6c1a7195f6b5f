// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests in which a synthetic guest takes one step after the other under a checker
// that looks at every one: the kernel does or says something wrong, the next step names the rule.
#pragma once

#include <string>
#include <vector>

#include "src/oracle/checker.h"
#include "src/oracle/testing/sample_test.h"

namespace fv::oracle::testing {

class CheckedGuestTest : public SampleGuestTest {
 protected:
  // The guest's first step is behind it.
  CheckedGuestTest();

  // Ends a step; what was found, as text.
  std::string Step(proto::SafepointKind kind = proto::SafepointKind::kSyscall);
  // Whether the last step found it.
  bool Has(Rule rule) const;
  // The next step finds it.
  void Expect(Rule rule, proto::SafepointKind kind = proto::SafepointKind::kSyscall);
  // The kernel says something, behind what it has said by itself.
  void Event(proto::EventKind kind, uint32_t pid, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0,
             uint64_t d = 0, uint64_t e = 0);
  // What the guest has said by itself so far.
  const std::vector<proto::EventRecord>& told() const { return told_; }

 private:
  void Follow();

  Checker checker_;
  std::vector<Finding> last_;
  std::vector<proto::EventRecord> told_;
  uint64_t next_event_ = 0;
};

}  // namespace fv::oracle::testing
