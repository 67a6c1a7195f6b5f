// SPDX-License-Identifier: Apache-2.0
//
// Every case of the list is a test: the program runs natively and in the guest, in the same root,
// and src/diff compares: standard output, standard error, exit status and, with --syscalls, the
// results of system calls. A program's own checks must hold on both sides, and the oracle finds
// nothing. Where Linux is older than the one that the guest follows and does something else, a test
// is skipped and says what.
//
//   program_test --cases=FILE --mode=native|twice|guest [--check=every --kernel_ring=0 --syscalls]
//                [--host=qemu --qemu_cpu=plain]
//
// --mode=twice compares two native runs: what differs is decided by chance, and has no place in a
// comparison with the guest.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <sstream>

#include "gflags/gflags.h"
#include "src/cli/guest_kernel.h"
#include "src/diff/differ.h"
#include "src/diff/format.h"
#include "src/native/testing/host_linux.h"
#include "src/trace/names.h"
#include "tests/programs/case_list.h"
#include "tests/programs/process.h"
#include "vmm/testing/require_kvm.h"
#include "vmm/testing/require_qemu.h"

DEFINE_string(cases, "", "the list of cases");
DEFINE_string(mode, "guest",
              "native: on Linux only; twice: on Linux, twice, compared; guest: both, compared");
DEFINE_string(check, "every", "when the oracle looks");
DEFINE_string(kernel, "", "the guest kernel, if not the one inside");
DEFINE_string(kernel_ring, "auto", "of the guest kernel: auto, 0");
DEFINE_string(strategy, "classic", "of fork");
DEFINE_string(host, "kvm", "what executes the guest: kvm or qemu");
DEFINE_string(qemu_cpu, "full", "full or plain");
DEFINE_int32(memory_mib, 256, "the guest's memory");
DEFINE_bool(syscalls, false, "compare the results of system calls");
DEFINE_int32(seconds, 100, "longest run of one program");

namespace fv::tests {
namespace {

namespace fs = std::filesystem;
using native::NativeOptions;

constexpr char kBusybox[] = "/bin/busybox";
constexpr char kOlder[] = "this Linux is older than the one that the guest follows: ";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) ADD_FAILURE() << "cannot read " << path;
  return content.str();
}

std::span<const uint8_t> KernelImage() {
  if (FLAGS_kernel.empty()) return embedded::GuestKernel();
  static const std::string kFile = ReadFile(FLAGS_kernel);
  return {reinterpret_cast<const uint8_t*>(kFile.data()), kFile.size()};
}

// A program sees an empty working directory; a script finds itself in it.
diff::DiffOptions OptionsOf(const Case& test, const std::string& directory) {
  diff::DiffOptions options;
  session::GuestOptions& guest = options.guest;
  guest.root.host_cwd = directory;
  if (test.kind == CaseKind::kProgram) {
    guest.root.program = fs::absolute(test.path);
  } else {
    const std::string name = fs::path(test.path).filename();
    guest.root.program = kBusybox;
    guest.root.files = {{fs::absolute(test.path), directory + "/" + name}};
    guest.arguments = {"sh", name};
  }
  guest.arguments.insert(guest.arguments.end(), test.arguments.begin(), test.arguments.end());
  guest.environment = {"TERM=dumb"};
  guest.kernel_image = KernelImage();
  guest.ram_bytes = static_cast<uint64_t>(FLAGS_memory_mib) << 20;
  if (FLAGS_kernel_ring == "0") guest.kernel_ring = vmm::KernelRing::kRing0;
  guest.fork_strategy = FLAGS_strategy;
  if (FLAGS_host == "qemu") guest.host = session::Host::kQemu;
  if (FLAGS_qemu_cpu == "plain") guest.qemu_cpu = vmm::qemu::CpuModel::kPlain;
  if (!test.input_path.empty()) options.input = ReadFile(test.input_path);
  options.check = oracle::ParseCheckMode(FLAGS_check).value();
  options.timeout_ns = static_cast<uint64_t>(FLAGS_seconds) * 1'000'000'000;
  options.native_root = diff::NativeRoot::kPrivate;
  // Programs show what root may do, if they are root.
  if (geteuid() == 0) options.native_user = NativeOptions::User::kCaller;
  if (FLAGS_syscalls && test.calls == Case::Calls::kCompare) {
    options.calls = NativeOptions::Calls::kRecord;
  }
  for (const std::string& name : test.ignored_calls) {
    options.trace.ignored.insert(trace::FindSyscall(name)->number);
  }
  return options;
}

bool ChecksHeld(const diff::Outcome& outcome) {
  return !outcome.timed_out && outcome.out.bytes.find("FAIL ") == std::string::npos;
}

void ExpectChecksHeld(const diff::Outcome& outcome, const char* where) {
  EXPECT_FALSE(outcome.timed_out) << where << ": no end after " << FLAGS_seconds << " s";
  EXPECT_EQ(outcome.out.bytes.find("FAIL "), std::string::npos) << where << ":\n"
                                                                << outcome.out.bytes;
}

// False, and the test is skipped, where this host permits no private root or no ptrace; with
// FORKVISOR_REQUIRE_KVM=1 that is a failure.
bool Ran(const absl::Status& status) {
  if (status.ok()) return true;
  const bool may_skip = absl::IsPermissionDenied(status) && !vmm::testing::KvmIsRequired();
  if (!may_skip) ADD_FAILURE() << status;
  return false;
}

class NativeTest : public ::testing::Test {
 public:
  explicit NativeTest(const Case& test) : case_(test) {}
  void TestBody() override {
    if (case_.kind == CaseKind::kShell && !fs::exists(kBusybox)) {
      GTEST_SKIP() << kBusybox << " is missing (package busybox-static)";
    }
    const TempDirectory directory;
    const absl::StatusOr<diff::NativeSide> side =
        diff::RunNativeSide(OptionsOf(case_, directory.path()));
    if (!Ran(side.status())) GTEST_SKIP() << side.status();
    if (native::testing::HostLinuxIsOlder() && !ChecksHeld(side->outcome)) {
      GTEST_SKIP() << kOlder << side->outcome.out.bytes;
    }
    ExpectChecksHeld(side->outcome, "natively");
  }

 private:
  const Case& case_;
};

// The second run stands where the guest's does.
class TwiceTest : public ::testing::Test {
 public:
  explicit TwiceTest(const Case& test) : case_(test) {}
  void TestBody() override {
    if (case_.kind == CaseKind::kShell && !fs::exists(kBusybox)) {
      GTEST_SKIP() << kBusybox << " is missing (package busybox-static)";
    }
    const TempDirectory directory;
    const diff::DiffOptions options = OptionsOf(case_, directory.path());
    const absl::StatusOr<diff::NativeSide> first = diff::RunNativeSide(options);
    if (!Ran(first.status())) GTEST_SKIP() << first.status();
    const absl::StatusOr<diff::NativeSide> second = diff::RunNativeSide(options);
    ASSERT_TRUE(second.ok()) << second.status();
    diff::DiffResult result;
    result.native = first->outcome;
    result.guest = second->outcome;
    result.session.end = session::SessionEnd::kExited;
    result.outcome_differences = diff::CompareOutcomes(result.native, result.guest);
    result.calls = diff::CompareTraces(first->trace, second->trace, options.trace);
    EXPECT_TRUE(result.Equal()) << diff::FormatText(result);
  }

 private:
  const Case& case_;
};

// `Base` asks for what executes the guest.
template <typename Base>
class GuestTest : public Base {
 public:
  explicit GuestTest(const Case& test) : case_(test) {}
  void TestBody() override {
    if (case_.kind == CaseKind::kShell && !fs::exists(kBusybox)) {
      GTEST_SKIP() << kBusybox << " is missing (package busybox-static)";
    }
    const TempDirectory directory;
    const absl::StatusOr<diff::DiffResult> result =
        diff::RunDiff(OptionsOf(case_, directory.path()));
    if (!Ran(result.status())) GTEST_SKIP() << result.status();
    ASSERT_TRUE(result->Compared()) << "the guest failed: " << result->session.message;
    for (const std::string& finding : result->findings) ADD_FAILURE() << finding;
    ExpectChecksHeld(result->guest, "in the guest");
    const bool agrees = ChecksHeld(result->native) && result->Equal();
    if (native::testing::HostLinuxIsOlder() && !agrees) {
      GTEST_SKIP() << kOlder << diff::FormatText(*result);
    }
    ExpectChecksHeld(result->native, "natively");
    EXPECT_TRUE(result->Equal()) << diff::FormatText(*result) << "standard error in the guest:\n"
                                 << result->guest.err.bytes;
  }

 private:
  const Case& case_;
};

template <typename Fixture>
void Register(const char* suite, const std::vector<Case>& cases) {
  for (const Case& test : cases) {
    ::testing::RegisterTest(suite, test.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [&test]() -> ::testing::Test* { return new Fixture(test); });
  }
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  const std::vector<fv::tests::Case> cases =
      fv::tests::ParseCases(fv::tests::ReadFile(FLAGS_cases));
  if (cases.empty()) {
    std::cerr << "program_test: no cases in --cases=" << FLAGS_cases << "\n";
    return 2;
  }
  if (FLAGS_mode == "native") {
    fv::tests::Register<fv::tests::NativeTest>("Native", cases);
  } else if (FLAGS_mode == "twice") {
    fv::tests::Register<fv::tests::TwiceTest>("Twice", cases);
  } else if (FLAGS_host == "qemu") {
    fv::tests::Register<fv::tests::GuestTest<fv::vmm::testing::QemuTest>>("Qemu", cases);
  } else {
    fv::tests::Register<fv::tests::GuestTest<fv::vmm::testing::KvmTest>>("Guest", cases);
  }
  return RUN_ALL_TESTS();
}
