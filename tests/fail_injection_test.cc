// SPDX-License-Identifier: Apache-2.0
//
// Every allocation of a run fails once: the first in the first run, the second in the second...
// Whatever the program then does, the kernel has to undo what was half made: the oracle looks at
// every step, nothing may be left behind, the kernel must not panic or hang. Fork feature F85.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "src/session/failures.h"
#include "src/session/guest.h"
#include "src/session/oracle_observer.h"
#include "src/session/session.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(kernel, "", "the guest kernel");
DEFINE_string(programs, "", "static programs, parted by commas");
DEFINE_uint32(seconds, 20, "longest run");
DEFINE_bool(may_hang, false, "programs may wait for ever for a child that they could not make");

namespace fv::tests {
namespace {

// A run that fails none of its allocations ends the series; no program here makes as many.
constexpr uint64_t kMostAllocations = 20'000;
// Runs of one program: all failure points of a short one, a sample of a long one.
constexpr uint64_t kRuns = 200;

std::vector<uint8_t> Kernel() {
  std::ifstream file(FLAGS_kernel, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Outcome {
  session::SessionResult result;
  std::vector<std::string> findings;
  proto::FailControl fail{};
};

// One run of `program` with its `number`-th allocation failing.
Outcome RunOnce(const std::string& program, uint64_t number, std::span<const uint8_t> kernel) {
  const uint64_t timeout_ns = uint64_t{FLAGS_seconds} * 1'000'000'000;
  session::GuestOptions options;
  options.root.program = program;
  options.ram_bytes = uint64_t{32} << 20;
  options.boot_flags = session::CheckBootFlags(oracle::CheckMode::kEvery);
  options.event_mask = session::CheckEventMask(oracle::CheckMode::kEvery);
  options.timeout_ns = timeout_ns;
  options.kernel_image = kernel;
  session::Guest guest = session::StartGuest(options).value();
  const std::string plan = "nth:" + std::to_string(number);
  session::FailureObserver failures(*guest.machine, session::ParseFailPlan(plan).value(), kernel);
  session::OracleObserver oracle(*guest.machine, {});
  session::SessionOptions run;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  run.input = run.output = run.error = null;
  run.stdin_mode = session::SessionOptions::Stdin::kEmpty;
  run.timeout_ns = timeout_ns;
  run.observers = {&oracle, &failures};
  Outcome outcome;
  outcome.result = session::Session(*guest.machine, run).Run();
  close(null);
  outcome.findings = oracle.findings();
  outcome.fail = *guest.machine->memory().Load<proto::FailControl>(
      guest.machine->channel_gpa() + offsetof(proto::ChannelHeader, fail));
  return outcome;
}

std::vector<std::string> Programs() {
  std::vector<std::string> programs;
  std::stringstream list(FLAGS_programs);
  for (std::string item; std::getline(list, item, ',');) {
    programs.push_back(std::filesystem::absolute(item).string());
  }
  return programs;
}

class FailInjection : public vmm::testing::KvmTest {};

TEST_F(FailInjection, EveryFailurePointUnwinds) {
  const std::vector<uint8_t> kernel = Kernel();
  for (const std::string& program : Programs()) {
    SCOPED_TRACE(program);
    const Outcome plain = RunOnce(program, kMostAllocations, kernel);
    ASSERT_EQ(plain.fail.failed, 0u);
    const uint64_t allocations = plain.fail.counted;
    ASSERT_GT(allocations, 20u);
    const uint64_t step = std::max<uint64_t>(1, allocations / kRuns);
    for (uint64_t number = 1; number <= allocations; number += step) {
      const Outcome outcome = RunOnce(program, number, kernel);
      const bool hung = outcome.result.end == session::SessionEnd::kTimeout;
      EXPECT_TRUE(outcome.result.end == session::SessionEnd::kExited || (hung && FLAGS_may_hang))
          << "allocation " << number << ": " << outcome.result.message;
      EXPECT_TRUE(outcome.findings.empty()) << "allocation " << number << ":\n"
                                            << outcome.findings.front();
      if (HasFailure()) {
        return;
      }
    }
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
