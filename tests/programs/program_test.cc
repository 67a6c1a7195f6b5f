// SPDX-License-Identifier: Apache-2.0
//
// Every case of the list is a test: the program runs natively and in the guest; standard output,
// standard error and exit status must be equal, and a program's own checks must hold in both.
// With --check=every in the flags, a finding of the oracle makes the guest's run fail too.
//
//   program_test --cases=FILE --mode=native|guest [--forkvisor=PATH --run_flags=A,B]
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/str_split.h"
#include "gflags/gflags.h"
#include "tests/programs/case_list.h"
#include "tests/programs/process.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(cases, "", "the list of cases");
DEFINE_string(mode, "guest", "native: on Linux only; guest: both, and compared");
DEFINE_string(forkvisor, "", "the command");
DEFINE_string(run_flags, "", "flags of forkvisor run, parted by commas");
DEFINE_int32(seconds, 100, "longest run of one program");

namespace fv::tests {
namespace {

namespace fs = std::filesystem;

constexpr char kBusybox[] = "/bin/busybox";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) ADD_FAILURE() << "cannot read " << path;
  return content.str();
}

// Programs use fixed names in /tmp: of each only one may run natively at a time.
class NativeLock {
 public:
  explicit NativeLock(const std::string& program)
      : fd_(open(("/tmp/fv_lock_" + fs::path(program).filename().string()).c_str(),
                 O_CREAT | O_RDWR | O_CLOEXEC, 0666)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  ~NativeLock() {
    if (fd_ >= 0) close(fd_);
  }
  NativeLock(const NativeLock&) = delete;
  NativeLock& operator=(const NativeLock&) = delete;

 private:
  int fd_;
};

// The environment that `forkvisor run` gives its programs, but for PATH where the tools lie.
std::vector<std::string> Environment(const std::string& path) {
  return {"HOME=/root", "PATH=" + path, "SHELL=/bin/sh", "TERM=dumb", "USER=root"};
}

class Runner {
 public:
  explicit Runner(const Case& test) : case_(test) {
    if (!test.input_path.empty()) input_ = ReadFile(test.input_path);
    if (test.kind == CaseKind::kProgram) {
      words_ = {fs::absolute(test.path)};
    } else {
      // The script lies in the working directory, here and there.
      const fs::path name = fs::path(test.path).filename();
      fs::copy_file(test.path, fs::path(directory_.path()) / name);
      words_ = {kBusybox, "sh", name};
    }
    words_.insert(words_.end(), test.arguments.begin(), test.arguments.end());
  }

  ProcessResult Native() {
    NativeLock lock(case_.path);
    std::string path = "/bin:/usr/bin:/sbin:/usr/sbin";
    if (case_.kind == CaseKind::kShell) path = InstallApplets();
    return RunProcess({.argv = words_,
                       .environment = Environment(path),
                       .cwd = directory_.path(),
                       .input = input_,
                       .timeout = std::chrono::seconds(FLAGS_seconds)});
  }

  ProcessResult Guest() {
    std::vector<std::string> argv = {fs::absolute(FLAGS_forkvisor), "run"};
    for (absl::string_view flag : absl::StrSplit(FLAGS_run_flags, ',', absl::SkipEmpty())) {
      argv.emplace_back(flag);
    }
    argv.push_back("--timeout=" + std::to_string(FLAGS_seconds));
    if (case_.kind == CaseKind::kShell) {
      argv.push_back("--file=" + directory_.path() + "/" + words_[2]);
    }
    argv.push_back("--");
    argv.insert(argv.end(), words_.begin(), words_.end());
    return RunProcess({.argv = argv,
                       .environment = Environment("/bin:/usr/bin"),
                       .cwd = directory_.path(),
                       .input = input_,
                       .timeout = std::chrono::seconds(FLAGS_seconds + 20)});
  }

 private:
  // In the guest /bin holds busybox's applets; natively a directory does.
  std::string InstallApplets() {
    const std::string bin = tools_.path();
    const ProcessResult made = RunProcess({.argv = {kBusybox, "--install", "-s", bin},
                                           .environment = {},
                                           .cwd = "/",
                                           .input = "",
                                           .timeout = std::chrono::seconds(20)});
    EXPECT_EQ(made.status, 0) << made.err;
    return bin;
  }

  const Case& case_;
  TempDirectory directory_, tools_;
  std::string input_;
  std::vector<std::string> words_;
};

void ExpectChecksHeld(const ProcessResult& result, const char* where) {
  EXPECT_FALSE(result.timed_out) << where << ": no end after " << FLAGS_seconds << " s";
  EXPECT_EQ(result.out.find("FAIL "), std::string::npos) << where << ":\n" << result.out;
}

void ExpectEqual(const ProcessResult& guest, const ProcessResult& native) {
  EXPECT_EQ(guest.out, native.out) << "standard output; in the guest stderr was:\n" << guest.err;
  EXPECT_EQ(guest.err, native.err) << "standard error";
  EXPECT_EQ(guest.status, native.status) << "exit status";
}

class NativeTest : public ::testing::Test {
 public:
  explicit NativeTest(const Case& test) : case_(test) {}
  void TestBody() override {
    if (case_.kind == CaseKind::kShell && !fs::exists(kBusybox)) {
      GTEST_SKIP() << kBusybox << " is missing (package busybox-static)";
    }
    ExpectChecksHeld(Runner(case_).Native(), "natively");
  }

 private:
  const Case& case_;
};

class GuestTest : public vmm::testing::KvmTest {
 public:
  explicit GuestTest(const Case& test) : case_(test) {}
  void TestBody() override {
    if (case_.kind == CaseKind::kShell && !fs::exists(kBusybox)) {
      GTEST_SKIP() << kBusybox << " is missing (package busybox-static)";
    }
    const ProcessResult native = Runner(case_).Native();
    ExpectChecksHeld(native, "natively");
    const ProcessResult guest = Runner(case_).Guest();
    ExpectChecksHeld(guest, "in the guest");
    ExpectEqual(guest, native);
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
  } else {
    fv::tests::Register<fv::tests::GuestTest>("Guest", cases);
  }
  return RUN_ALL_TESTS();
}
