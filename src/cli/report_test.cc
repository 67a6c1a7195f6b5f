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
