// SPDX-License-Identifier: Apache-2.0
#include "src/oracle/testing/model_guest.h"

#include "src/model/events.h"

namespace fv::oracle::testing {
namespace {

constexpr unsigned kModel = 21;  // the first of the two invariants

}  // namespace

ModelTest::ModelTest() : world_(g().memory().frames()), checker_(g().memory(), g().channel()) {
  EXPECT_EQ(Step(), "");
}

void ModelTest::Say(proto::EventKind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                    uint64_t e) {
  Follow();
  model::Follow({0, 0, kind, 0, 2, a, b, c, d, e}, world_);
}

void ModelTest::Follow() {
  for (const proto::EventRecord& event : g().TakeEvents()) {
    model::Follow(event, world_);
    events_.push_back(event);
  }
}

std::string ModelTest::Step(ContentGuard::Gap gap) {
  Follow();
  Findings findings;
  const IncrementalChecker::Input step{proto::SafepointKind::kSyscall, g().dirty(), events_, gap,
                                       &world_};
  EXPECT_TRUE(checker_.Step(step, findings).ok());
  g().ClearDirty();
  events_.clear();
  world_.BeginInterval();
  std::string names;
  for (const Finding& finding : findings.list()) {
    if (InvariantOf(finding.rule) < kModel) continue;
    names += (names.empty() ? "" : " ") + std::string(RuleName(finding.rule));
  }
  return names;
}

}  // namespace fv::oracle::testing
