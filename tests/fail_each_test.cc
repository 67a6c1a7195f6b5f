// SPDX-License-Identifier: Apache-2.0
//
// System calls whose allocations fail one after the other (fork feature F85). The programs check
// the error of each attempt (guest/user/lib/fail.h) and make a mark behind it; here, from outside,
// the oracle looks at every step, and what the kernel holds at a mark - tasks, frames by state,
// objects of every slab cache - has to be exactly what it held at the one before. One GoogleTest
// case for each case of a program, one guest for each.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "src/inspect/kernel_symbols.h"
#include "src/oracle/holdings.h"
#include "src/session/failures.h"
#include "src/session/guest.h"
#include "src/session/machine_view.h"
#include "src/session/oracle_observer.h"
#include "src/session/session.h"
#include "tests/programs/process.h"
#include "vmm/fd.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(kernel, "", "the guest kernel");
DEFINE_string(programs, "", "programs with fail cases, parted by commas");
DEFINE_string(strategy, "classic", "of fork");
DEFINE_uint32(seconds, 60, "longest run of one case");

namespace fv::tests {
namespace {

// A dynamically linked program and what it wants, for the cases that execute one.
constexpr const char* kHostFiles[] = {"/bin/true", "/lib64/ld-linux-x86-64.so.2",
                                      "/lib/x86_64-linux-gnu/libc.so.6"};
// Complaints of one case that are worth reading.
constexpr size_t kMostLines = 12;

// Compares marks.
class MarkObserver final : public session::Observer {
 public:
  MarkObserver(const vmm::MachineInterface& machine, std::span<const uint8_t> kernel)
      : memory_(session::ReaderOf(machine)),
        channel_(session::ChannelOf(machine)),
        symbols_(kernel) {}

  void OnEvent(const proto::EventRecord& event) override {
    if (event.kind == proto::EventKind::kFailedAllocation) {
      place_ = session::FailurePlace(symbols_, event);
    }
    if (event.kind == proto::EventKind::kMark) mark_ = event.a;
  }

  vmm::Next OnSafepoint(proto::SafepointKind) override {
    if (!mark_) return vmm::Next::kContinue;
    const absl::StatusOr<oracle::Holdings> now = oracle::ReadHoldings(memory_, channel_);
    if (!now.ok()) {
      lines_.push_back(std::string(now.status().message()));
      return vmm::Next::kStop;
    }
    ++marks_;
    const std::string difference = before_ ? Difference(*before_, *now) : "";
    if (!difference.empty() && lines_.size() < kMostLines) {
      lines_.push_back("allocation " + std::to_string(*mark_) + ", " + place_ + ": " + difference);
    }
    before_ = *now;
    mark_.reset();
    place_ = "none failed";
    return vmm::Next::kContinue;
  }

  const std::vector<std::string>& lines() const { return lines_; }
  uint64_t marks() const { return marks_; }

 private:
  inspect::MemoryReader memory_;
  inspect::ChannelView channel_;
  inspect::KernelSymbols symbols_;
  std::optional<oracle::Holdings> before_;
  std::optional<uint64_t> mark_;  // an event, whose safepoint comes next
  std::string place_ = "none failed";
  std::vector<std::string> lines_;
  uint64_t marks_ = 0;
};

const std::vector<uint8_t>& Kernel() {
  static const std::vector<uint8_t> kBytes = [] {
    std::ifstream file(FLAGS_kernel, std::ios::binary);
    return std::vector<uint8_t>{std::istreambuf_iterator<char>(file), {}};
  }();
  return kBytes;
}

session::GuestOptions GuestFor(const std::string& program, const std::string& name) {
  session::GuestOptions options;
  options.root.program = program;
  options.arguments = {"each", name};
  for (const char* file : kHostFiles) {
    if (std::filesystem::exists(file)) options.root.files.emplace_back(file, "");
  }
  options.ram_bytes = uint64_t{32} << 20;
  options.boot_flags =
      session::CheckBootFlags(oracle::CheckMode::kEvery) | proto::kBootDeterministic;
  options.tick_ns = 0;
  options.event_mask =
      session::CheckEventMask(oracle::CheckMode::kEvery) | EventBit(proto::EventKind::kMark);
  options.timeout_ns = uint64_t{FLAGS_seconds} * 1'000'000'000;
  options.fork_strategy = FLAGS_strategy;
  options.kernel_image = Kernel();
  return options;
}

std::string ReadAll(int fd) {
  std::string text;
  char piece[4096];
  off_t at = 0;
  for (ssize_t got; (got = pread(fd, piece, sizeof(piece), at)) > 0; at += got) {
    text.append(piece, static_cast<size_t>(got));
  }
  return text;
}

class FailCase : public vmm::testing::KvmTest {
 public:
  FailCase(std::string program, std::string name)
      : program_(std::move(program)), name_(std::move(name)) {}

  void TestBody() override {
    const session::GuestOptions options = GuestFor(program_, name_);
    absl::StatusOr<session::Guest> guest = session::StartGuest(options);
    ASSERT_TRUE(guest.ok()) << guest.status();
    session::OracleObserver oracle(*guest->machine, {});
    MarkObserver marks(*guest->machine, Kernel());
    const vmm::Fd output(memfd_create("output", MFD_CLOEXEC));
    session::SessionOptions run;
    run.output = run.error = output.get();
    run.stdin_mode = session::SessionOptions::Stdin::kEmpty;
    run.timeout_ns = options.timeout_ns;
    run.observers = {&oracle, &marks};
    const session::SessionResult result = session::Session(*guest->machine, run).Run();

    EXPECT_EQ(result.end, session::SessionEnd::kExited) << result.message;
    EXPECT_EQ(result.wait_status, 0);
    const std::string text = ReadAll(output.get());
    EXPECT_EQ(text.find("FAIL"), std::string::npos) << text;
    for (const std::string& finding : oracle.findings()) ADD_FAILURE() << finding;
    for (const std::string& line : marks.lines()) ADD_FAILURE() << line;
    EXPECT_GE(marks.marks(), 2u) << "nothing was compared";
    std::cout << text;
  }

 private:
  std::string program_;
  std::string name_;
};

// What a program calls its cases.
std::vector<std::string> CaseNames(const std::string& program) {
  const ProcessResult listed =
      RunProcess({.argv = {program, "list"}, .environment = {}, .cwd = "/", .input = ""});
  std::vector<std::string> names;
  std::stringstream lines(listed.out);
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

void RegisterCases(const std::string& program) {
  const std::string suite = std::filesystem::path(program).filename().string();
  for (const std::string& name : CaseNames(program)) {
    ::testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [=]() -> ::testing::Test* { return new FailCase(program, name); });
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  std::stringstream list(FLAGS_programs);
  for (std::string item; std::getline(list, item, ',');) {
    fv::tests::RegisterCases(std::filesystem::absolute(item).string());
  }
  return RUN_ALL_TESTS();
}
