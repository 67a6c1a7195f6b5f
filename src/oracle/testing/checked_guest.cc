// SPDX-License-Identifier: Apache-2.0
#include "src/oracle/testing/checked_guest.h"

#include <algorithm>

namespace fv::oracle::testing {

CheckedGuestTest::CheckedGuestTest() : checker_(g().memory(), g().channel(), {}) {
  EXPECT_EQ(Step(), "");
}

std::string CheckedGuestTest::Step(proto::SafepointKind kind) {
  EXPECT_TRUE(checker_.WantsSafepoint(kind));
  Follow();
  last_ = checker_.OnSafepoint(kind, g().dirty());
  g().ClearDirty();
  std::string text;
  for (const Finding& finding : last_) text += checker_.Text(finding);
  return text;
}

bool CheckedGuestTest::Has(Rule rule) const {
  return std::any_of(last_.begin(), last_.end(),
                     [rule](const Finding& finding) { return finding.rule == rule; });
}

void CheckedGuestTest::Expect(Rule rule, proto::SafepointKind kind) {
  const std::string text = Step(kind);
  EXPECT_TRUE(Has(rule)) << RuleName(rule) << " was not found, but\n" << text;
}

void CheckedGuestTest::Event(proto::EventKind kind, uint32_t pid, uint64_t a, uint64_t b,
                             uint64_t c, uint64_t d, uint64_t e) {
  Follow();
  checker_.OnEvent({next_event_++, 0, kind, 0, pid, a, b, c, d, e});
}

void CheckedGuestTest::Follow() {
  for (const proto::EventRecord& event : g().TakeEvents()) {
    checker_.OnEvent(event);
    told_.push_back(event);
  }
}

}  // namespace fv::oracle::testing
