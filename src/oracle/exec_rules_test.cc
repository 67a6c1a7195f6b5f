// SPDX-License-Identifier: Apache-2.0
//
// I19: what an exec leaves of the old program. Each rule is broken once; what is right is not
// accused.
#include "src/oracle/lifecycle.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>

#include "src/oracle/testing/lifecycle_guest.h"

namespace fv::oracle {
namespace {

using proto::EventKind;
using testing::GuestPtr;
using testing::kHeapAt;

class ExecRulesTest : public testing::LifecycleTest {
 protected:
  ExecRulesTest() {
    mm_ = g().AddMm();
    g().AddVma(mm_, kHeapAt, 4, proto::kVmRead | proto::kVmWrite);
    g().RemoveMm(sample_.child_mm);
    Task(sample_.child)->mm = mm_;
    Task(sample_.child)->exit_signal = SIGCHLD;
    Event(EventKind::kExec, 3, 0, 0, 3, mm_);
  }

  GuestPtr mm_ = 0;
};

TEST_F(ExecRulesTest, I19GoodExec) { EXPECT_EQ(Step(), ""); }

TEST_F(ExecRulesTest, I19AnotherAddressSpace) {
  Event(EventKind::kExec, 3, 0, 0, 3, sample_.mm);
  Expect(Rule::kExecFresh);
}

TEST_F(ExecRulesTest, I19MappingOfTheOldProgram) {
  const GuestPtr vma = g().Vmas(mm_)[0];
  g().Ptr<proto::VmaRecord>(vma)->lineage = g().Peek<proto::VmaRecord>(sample_.heap).lineage;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecRulesTest, I19RobustList) {
  Task(sample_.child)->robust_list = kHeapAt;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecRulesTest, I19ExitSignal) {
  Task(sample_.child)->exit_signal = SIGUSR1;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecRulesTest, I19Handler) {
  Handlers(sample_.child)->action[3].handler = 0x401000;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecRulesTest, I19IgnoredStays) {
  Handlers(sample_.child)->action[3].handler = 1;
  EXPECT_EQ(Step(), "");
}

TEST_F(ExecRulesTest, I19DescriptorToBeClosed) {
  g().OpenFile(sample_.child, 5, g().AddFile());
  Files(sample_.child)->first.slots[5] |= proto::kFdCloseOnExec;
  Expect(Rule::kExecFresh);
}

TEST_F(ExecRulesTest, I19Timer) {
  const GuestPtr timer = g().AllocateObject("posix_timers_cache");
  const GuestPtr entry = g().QueueSignal(sample_.child, 34);
  g().Ptr<proto::PosixTimerRecord>(timer)->entry = entry;
  g().Ptr<proto::SignalEntryRecord>(entry)->of_timer = 1;
  g().ListAdd(Task(sample_.child)->signal + offsetof(proto::SignalRecord, posix_timers), timer);
  Expect(Rule::kExecFresh);
}

}  // namespace
}  // namespace fv::oracle
