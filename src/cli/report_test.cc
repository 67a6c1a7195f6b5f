// SPDX-License-Identifier: Apache-2.0
//
// How ends of runs become words and exit codes.
#include "src/cli/report.h"

#include <gtest/gtest.h>

namespace fv::cli {
namespace {

using session::SessionEnd;
using session::SessionResult;

SessionResult Exited(int wait_status) {
  SessionResult result;
  result.end = SessionEnd::kExited;
  result.wait_status = wait_status;
  return result;
}

bool Says(const Report& report, const char* text) {
  return report.message.find(text) != std::string::npos;
}

TEST(Report, TheProgramsStatus) {
  EXPECT_EQ(MakeReport(Exited(0)).exit_code, 0);
  EXPECT_EQ(MakeReport(Exited(3 << 8)).exit_code, 3);
  EXPECT_EQ(MakeReport(Exited(11)).exit_code, 128 + 11);
  EXPECT_EQ(MakeReport(Exited(6 | 0x80)).exit_code, 128 + 6) << "with a core";
  EXPECT_TRUE(MakeReport(Exited(3 << 8)).message.empty());
}

TEST(Report, ADeathIsSaidAsAShellSaysIt) {
  EXPECT_EQ(MakeReport(Exited(6)).message, "pid 2 was killed by SIGABRT (Aborted)");
  SessionResult fault = Exited(11 | 0x80);
  fault.kernel_log = {"pid 5 (child) dies of signal 11: address 0x0, rip 0x1",
                      "pid 2 (prog) dies of signal 11: address 0x8, rip 0x401136", "other"};
  EXPECT_EQ(MakeReport(fault).message,
            "pid 2 was killed by SIGSEGV (Segmentation fault): pid 2 (prog), address 0x8, "
            "rip 0x401136");
  for (const int quiet : {2, 3, 13}) EXPECT_TRUE(MakeReport(Exited(quiet)).message.empty());
}

TEST(Report, LackOfMemoryIsSaid) {
  SessionResult result = Exited(9);
  result.kernel_log = {"Out of memory: Killed process 2 (prog) total-vm:1kB"};
  EXPECT_TRUE(Says(MakeReport(result), "SIGKILL"));
  EXPECT_TRUE(Says(MakeReport(result), "--mem=SIZE"));
  result.wait_status = 1 << 8;
  EXPECT_TRUE(Says(MakeReport(result), "--mem=SIZE")) << "a child's death may be the reason";
  result.wait_status = 0;
  EXPECT_TRUE(MakeReport(result).message.empty());
}

TEST(Report, OfManyFindingsTheFirstAndTheLastAreShown) {
  const std::vector<std::string> few = {"a", "b", "c"};
  EXPECT_EQ(ShownFindings(few, 3), few);
  const std::vector<std::string> shown = ShownFindings({"a", "b", "c", "d", "e"}, 3);
  ASSERT_EQ(shown.size(), 4u);
  EXPECT_EQ(shown[1], "b");
  EXPECT_EQ(shown[2].substr(0, 16), "2 more findings ");
  EXPECT_EQ(shown[3], "e");
}

TEST(Report, MissingSystemCallsAreNamedIfTheProgramFailed) {
  SessionResult result = Exited(1 << 8);
  result.missing_syscalls = {{298, 2}, {99999, 1}};
  const Report report = MakeReport(result);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_TRUE(Says(report, "perf_event_open (298), 2 times"));
  EXPECT_TRUE(Says(report, "number 99999"));
  result.wait_status = 0;
  EXPECT_TRUE(MakeReport(result).message.empty()) << "it did well without";
}

TEST(Report, AProgramThatDoesNotStart) {
  SessionResult result = Exited(126 << 8);
  EXPECT_TRUE(MakeReport(result).message.empty()) << "the program's own status";
  result.kernel_log = {"cannot run /x: error 8"};
  EXPECT_EQ(MakeReport(result).exit_code, 126);
  EXPECT_TRUE(Says(MakeReport(result), "cannot run /x: ENOEXEC (Exec format error)"));
}

TEST(Report, GuestFailures) {
  SessionResult result;
  result.end = SessionEnd::kPanic;
  result.message = "frame 7 freed twice";
  result.registers = "rip 0x1";
  result.kernel_log = {"old line", "last line"};
  const Report report = MakeReport(result);
  EXPECT_EQ(report.exit_code, 4);
  for (const char* text : {"panicked", "frame 7 freed twice", "rip 0x1", "last line"}) {
    EXPECT_TRUE(Says(report, text)) << text;
  }
  result.end = SessionEnd::kSpin;
  EXPECT_EQ(MakeReport(result).exit_code, 4);
  result.end = SessionEnd::kGuestError;
  EXPECT_EQ(MakeReport(result).exit_code, 4);
}

TEST(Report, OtherEnds) {
  SessionResult result;
  result.end = SessionEnd::kOutputClosed;
  EXPECT_EQ(MakeReport(result).exit_code, 141) << "as if killed by SIGPIPE";
  EXPECT_TRUE(MakeReport(result).message.empty());
  result.end = SessionEnd::kOutputFailed;
  EXPECT_EQ(MakeReport(result).exit_code, 5) << "the host's failure, not the guest's";
  result.end = SessionEnd::kSignal;
  result.signal_number = 15;
  EXPECT_EQ(MakeReport(result).exit_code, 143);
  result.end = SessionEnd::kTimeout;
  EXPECT_EQ(MakeReport(result).exit_code, 124);
  EXPECT_TRUE(Says(MakeReport(result), "--timeout"));
  result.end = SessionEnd::kObserverStopped;
  EXPECT_EQ(MakeReport(result).exit_code, 1);
}

}  // namespace
}  // namespace fv::cli
