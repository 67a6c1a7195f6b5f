// SPDX-License-Identifier: Apache-2.0
//
// Every exit, made up, and what becomes of it. No KVM.
#include "vmm/exit_handler.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace fv::vmm {
namespace {

using proto::DoorbellReason;
using proto::DoorbellWord;

constexpr uint64_t kDoorbell = 0x1000000;

class RecordingPorts : public Ports {
 public:
  Next OnDoorbell(DoorbellReason reason, uint64_t argument) override {
    rings.push_back({reason, argument});
    return answer;
  }

  struct Ring {
    DoorbellReason reason;
    uint64_t argument;
  };
  std::vector<Ring> rings;
  Next answer = Next::kContinue;
};

TEST(ExitHandlerTest, DoorbellReachesThePortWithReasonAndArgument) {
  RecordingPorts ports;
  const uint64_t argument = 0x00AB'CDEF'0123'4567;
  const HandledExit handled =
      HandleExit(MmioWrite{kDoorbell, 8, DoorbellWord(DoorbellReason::kSafepoint, argument)},
                 kDoorbell, ports);
  EXPECT_EQ(handled.action, ExitAction::kContinue);
  ASSERT_EQ(ports.rings.size(), 1u);
  EXPECT_EQ(ports.rings[0].reason, DoorbellReason::kSafepoint);
  EXPECT_EQ(ports.rings[0].argument, argument);
}

TEST(ExitHandlerTest, PortCanStopTheRun) {
  RecordingPorts ports;
  ports.answer = Next::kStop;
  const Exit exit = MmioWrite{kDoorbell, 8, DoorbellWord(DoorbellReason::kDone, 0)};
  EXPECT_EQ(HandleExit(exit, kDoorbell, ports).action, ExitAction::kStop);
}

TEST(ExitHandlerTest, EveryReasonIsKnown) {
  RecordingPorts ports;
  for (auto reason : {DoorbellReason::kDrain, DoorbellReason::kSafepoint, DoorbellReason::kIdle,
                      DoorbellReason::kPanic, DoorbellReason::kDone, DoorbellReason::kMoment}) {
    const Exit exit = MmioWrite{kDoorbell, 8, DoorbellWord(reason, 0)};
    EXPECT_EQ(HandleExit(exit, kDoorbell, ports).action, ExitAction::kContinue);
  }
  EXPECT_EQ(ports.rings.size(), 6u);
}

TEST(ExitHandlerTest, NoGuestEvent) {
  RecordingPorts ports;
  EXPECT_EQ(HandleExit(Interrupted{}, kDoorbell, ports).action, ExitAction::kKicked);
  EXPECT_EQ(HandleExit(InterruptWindow{}, kDoorbell, ports).action, ExitAction::kWindow);
}

struct BadExit {
  const char* name;
  Exit exit;
  const char* message;
};

class BadExitTest : public ::testing::TestWithParam<BadExit> {};

TEST_P(BadExitTest, IsAnErrorThatSaysWhat) {
  RecordingPorts ports;
  const HandledExit handled = HandleExit(GetParam().exit, kDoorbell, ports);
  EXPECT_EQ(handled.action, ExitAction::kError);
  EXPECT_NE(handled.message.find(GetParam().message), std::string::npos) << handled.message;
  EXPECT_TRUE(ports.rings.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, BadExitTest,
    ::testing::Values(
        BadExit{"ReasonZero", MmioWrite{kDoorbell, 8, 0}, "unknown reason 0"},
        BadExit{"ReasonTooLarge", MmioWrite{kDoorbell, 8, 7}, "unknown reason 7"},
        BadExit{"ReasonFF", MmioWrite{kDoorbell, 8, ~uint64_t{0}}, "unknown reason 255"},
        BadExit{"Narrow", MmioWrite{kDoorbell, 4, 1}, "4 bytes instead of 8"},
        BadExit{"SecondWord", MmioWrite{kDoorbell + 8, 8, 1}, "0x1000008"},
        BadExit{"WildWrite", MmioWrite{0xFEE00000, 4, 1}, "0xfee00000"},
        BadExit{"Read", MmioRead{kDoorbell, 8}, "read of 8 bytes"},
        BadExit{"PortOut", PortIo{0x3F8, true, 1, 1}, "OUT to port 0x3f8"},
        BadExit{"PortIn", PortIo{0x60, false, 1, 1}, "IN from port 0x60"},
        BadExit{"Halt", Halted{}, "halted"}, BadExit{"TripleFault", ShutDown{}, "triple fault"},
        BadExit{"Internal", InternalError{1, 2, {0xAA, 0xBB}},
                "that it cannot emulate, suberror 1 0xaa 0xbb"},
        BadExit{"FailEntry", FailEntry{0x80000021}, "0x80000021"},
        BadExit{"DebugException", DebugException{1, 0x1234, 0}, "debug exception 1 at 0x1234"},
        BadExit{"RunFailed", RunFailed{EFAULT}, "Bad address"},
        BadExit{"Unknown", UnknownExit{77, 0}, "unknown exit reason 77"},
        BadExit{"UnknownToKvm", UnknownExit{KVM_EXIT_UNKNOWN, 0x42}, "hardware reason 0x42"}),
    [](const auto& test) { return test.param.name; });

kvm_run MakeRun(uint32_t reason) {
  kvm_run run;
  std::memset(&run, 0, sizeof(run));
  run.exit_reason = reason;
  return run;
}

TEST(DecodeExitTest, MmioWriteTakesOnlyItsBytes) {
  kvm_run run = MakeRun(KVM_EXIT_MMIO);
  run.mmio.phys_addr = 0x1234;
  run.mmio.len = 2;
  run.mmio.is_write = 1;
  std::memset(run.mmio.data, 0xEE, sizeof(run.mmio.data));
  const Exit exit = DecodeExit(run);
  const auto& write = std::get<MmioWrite>(exit);
  EXPECT_EQ(write.gpa, 0x1234u);
  EXPECT_EQ(write.bytes, 2u);
  EXPECT_EQ(write.value, 0xEEEEu);
}

TEST(DecodeExitTest, LengthsAreClamped) {
  kvm_run run = MakeRun(KVM_EXIT_MMIO);
  run.mmio.len = 0xFFFFFFFF;
  run.mmio.is_write = 1;
  EXPECT_EQ(std::get<MmioWrite>(DecodeExit(run)).bytes, 8u);

  run = MakeRun(KVM_EXIT_INTERNAL_ERROR);
  run.internal.ndata = 1000;
  EXPECT_EQ(std::get<InternalError>(DecodeExit(run)).data_count, 8u);
}

TEST(DecodeExitTest, EachReasonHasItsAlternative) {
  EXPECT_TRUE(std::holds_alternative<MmioRead>(DecodeExit(MakeRun(KVM_EXIT_MMIO))));
  EXPECT_TRUE(std::holds_alternative<PortIo>(DecodeExit(MakeRun(KVM_EXIT_IO))));
  EXPECT_TRUE(std::holds_alternative<Halted>(DecodeExit(MakeRun(KVM_EXIT_HLT))));
  EXPECT_TRUE(std::holds_alternative<ShutDown>(DecodeExit(MakeRun(KVM_EXIT_SHUTDOWN))));
  EXPECT_TRUE(
      std::holds_alternative<InterruptWindow>(DecodeExit(MakeRun(KVM_EXIT_IRQ_WINDOW_OPEN))));
  EXPECT_TRUE(std::holds_alternative<Interrupted>(DecodeExit(MakeRun(KVM_EXIT_INTR))));
  EXPECT_TRUE(std::holds_alternative<FailEntry>(DecodeExit(MakeRun(KVM_EXIT_FAIL_ENTRY))));
  const Exit unknown = DecodeExit(MakeRun(KVM_EXIT_HYPERV));
  EXPECT_EQ(std::get<UnknownExit>(unknown).reason, uint32_t{KVM_EXIT_HYPERV});
  kvm_run run = MakeRun(KVM_EXIT_UNKNOWN);
  run.hw.hardware_exit_reason = 0x42;
  EXPECT_EQ(std::get<UnknownExit>(DecodeExit(run)).hardware_reason, 0x42u);
}

}  // namespace
}  // namespace fv::vmm
