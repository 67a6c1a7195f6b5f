// SPDX-License-Identifier: Apache-2.0
//
// The command as a whole, as far as it goes without a guest: usage, programs that cannot run, hosts
// without KVM. argv[1] is the binary.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string g_binary;

struct Outcome {
  int status = -1;
  std::string text;  // standard output and standard error
};

Outcome Run(const std::string& arguments) {
  FILE* pipe = popen(("exec 2>&1 </dev/null; '" + g_binary + "' " + arguments).c_str(), "r");
  Outcome outcome;
  std::array<char, 4096> piece;
  size_t got;
  while ((got = fread(piece.data(), 1, piece.size(), pipe)) > 0)
    outcome.text.append(piece.data(), got);
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

void Expect(const std::string& arguments, int status, const std::string& text) {
  const Outcome outcome = Run(arguments);
  EXPECT_EQ(outcome.status, status) << arguments << "\n" << outcome.text;
  EXPECT_NE(outcome.text.find(text), std::string::npos) << arguments << "\n" << outcome.text;
}

std::string Write(const std::string& name, const std::string& content) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
  std::ofstream(path, std::ios::binary) << content;
  chmod(path.c_str(), 0755);
  return path.string();
}

// A result of bench: `name` with medians of batches around `ns`.
std::string BenchResult(const std::string& file, const std::string& name, int ns) {
  std::string rounds;
  for (int i = 0; i < 12; ++i) rounds += (i == 0 ? "" : ",") + std::to_string(ns + i);
  return Write(file, R"({"benchmarks": [{"name": ")" + name + R"(", "real_time": )" +
                         std::to_string(ns) + R"(, "round_medians_ns": [)" + rounds +
                         R"(], "histogram": {"unit": "ps", "min": 5, "max": 5,)" +
                         R"( "buckets": [[5, 5, 1]]}}]})");
}

std::string EmptyDirectory() {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "empty";
  std::filesystem::create_directory(path);
  return path.string();
}

// Any kernel will do for what fails before it starts.
std::string Kernel() { return "--kernel=" + Write("kernel", "not looked at"); }

TEST(Command, CompareTellsByItsExitCode) {
  const std::string before = BenchResult("before.json", "a", 1000);
  const std::string slower = BenchResult("slower.json", "a", 1100);
  const std::string other = BenchResult("other.json", "b", 1000);
  Expect("compare " + before + " " + before, 0, "1 compared, 0 slower");
  Expect("compare " + before + " " + slower, 1, "slower");
  Expect("compare " + slower + " " + before, 0, "faster");
  Expect("compare " + before + " " + slower + " --bound=20%", 0, "0 slower");
  Expect("compare --format=json " + before + " " + slower, 1, "\"regressed\": true");
  Expect("compare " + before + " " + other, 2, "nothing in common");
  Expect("compare " + before, 2, "two files");
  Expect("compare " + before + " /no/such/file", 2, "/no/such/file");
  Expect("compare " + before + " " + Write("text", "no result"), 2, "no JSON of forkvisor bench");
  Expect("compare " + before + " " + slower + " --bound=much", 2, "--bound=much");
  Expect("compare " + before + " " + slower + " --format=csv", 2, "choose one of console, json");
}

TEST(Command, CompareWritesAPage) {
  const std::string before = BenchResult("page_before.json", "a", 1000);
  const std::string slower = BenchResult("page_after.json", "a", 1100);
  const std::string page = (std::filesystem::path(testing::TempDir()) / "page.html").string();
  Expect("compare " + before + " " + slower + " --report=" + page, 1, "slower");
  std::ifstream file(page);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find("Fork, compared"), std::string::npos);
  EXPECT_NE(text.find("1 slower"), std::string::npos);
  Expect("compare " + before + " " + before + " --report=/no/such/folder/page", 2,
         "/no/such/folder/page: No such file");
}

TEST(Command, Usage) {
  Expect("", 2, "which verb");
  Expect("frobnicate", 2, "no verb \"frobnicate\"");
  Expect("/bin/true", 2, "to run it: forkvisor run /bin/true");
  Expect("run", 2, "which program");
  Expect("run --nope true", 2, "unknown flag --nope");
  Expect("run --mem", 2, "needs a value");
  Expect("run --mem=1X true", 2, "is no size");
  Expect("run --mem=1M true", 2, "a guest has 16M to 256G");
  Expect("run --kernel_ring=1 true", 2, "choose one of auto, 0, 3");
  Expect("run --timeout=x true", 2, "--timeout=x");
  Expect("run --mutant=no-canary true", 2, "--kernel=fuzz is one that has them");
  Expect("diff --mutant=no-canary true", 2, "--kernel=fuzz is one that has them");
  Expect("run --strategy=lazy true", 2, "--strategy=lazy: choose one of classic, ");
  Expect("check --fork=lazy true", 2, "--strategy=lazy: choose one of classic, ");
  Expect("diff --fork lazy true", 2, "choose one of classic, ");
  Expect("bench --fork=lazy", 2, "choose one of classic, ");
  Expect("diff", 2, "which program");
  Expect("diff --events=- true", 2, "unknown flag --events");
  Expect("diff --ignore=nope true", 2, "no system call is called nope");
  Expect("diff --native_root=x true", 2, "choose one of auto, private, host");
  Expect("diff --native_user=x true", 2, "choose one of namespace, caller");
  Expect("diff --format=csv true", 2, "choose one of console, json");
  Expect("diff --check=x true", 2, "--check=x");
  Expect("diff /no/such/program", 2, "no such program");
  Expect("diff /dev/null", 2, "/dev/null is not a regular file");
  Expect("fuzz --corpus=", 2, "--corpus wants a directory");
  Expect("fuzz " + Kernel(), 2, "guest kernel image refused");
  Expect("bench extra", 2, "takes flags only");
  Expect("bench --format=xml", 2, "choose one of console, json, csv");
  Expect("bench --repetitions=10000000", 2, "--repetitions: at most 1000000");
  Expect("bench --sizes=5", 2, "whole pages");
  Expect("bench --touch=maybe", 2, "choose write, read or none");
  Expect("bench --vary=colour", 2, "no axis \"colour\"");
  Expect("bench --vary=size:1", 2, "whole pages");
  Expect("bench --vary=strategy:classic+nope", 2, "--strategy=nope");
  Expect("bench --vary=size --budget=soon", 2, "--budget=soon is no time");
  Expect("bench --vary=size --width=0", 2, "--width is more than 0");
  Expect("bench --vary=size --format=xml", 2, "choose one of console, json, csv, hgrm");
  Expect("check --mutants=no-canary " + Kernel(), 2, "--kernel=fuzz is one that has them");
  Expect("fuzz --mutant=no-canary " + Kernel(), 2, "--kernel=fuzz is one that has them");
  Expect("run --record_kinds=nope true", 2, "no event is called nope");
  Expect("run --prove_reset=x true", 2, "choose one of every, sampled, off");
  Expect("bench --resume=/no/such/folder/file --sizes=0", 2, "--resume=/no/such/folder/file");
}

TEST(Command, OutputsThatCannotBeWritten) {
  Expect("kernel --out=/dev/full", 5, "/dev/full: write: No space left on device");
  Expect("kernel --out=/no/such/folder/file", 2, "/no/such/folder/file: No such file or directory");
  Expect("kernel " + Kernel() + " --out=/dev/null", 2, "guest kernel image refused");
  Expect("view --recording=/dev/null", 2, "--recording=/dev/null: this is no recording");
  Expect("view --recording=/dev", 2, "--recording=/dev: the recording cannot be read: Is a dir");
  Expect("inspect --recording=/dev/zero ps", 2, "/dev/zero: it is a device");
  Expect("snapshot --out=/no/such/folder/file true", 2, "--out=/no/such/folder/file: No such file");
  Expect("bench --report=/dev", 2, "--report=/dev: Is a directory");
  Expect("view --html=/etc/passwd/x true", 2, "--html=/etc/passwd/x: Not a directory");
  Expect("inspect --out=/dev vmcore -- true", 2, "--out=/dev: Is a directory");
  Expect("fuzz --check=x", 2, "--check=x: choose one of off, ");
  Expect("fuzz --dictionary=/dev/full", 5, "/dev/full: write: No space left on device");
  Expect("help >/dev/full", 5, "standard output: No space left on device");
}

TEST(Command, QuestionsAboutWhat) {
  Expect("inspect --memory=a --recording=b ps", 2, "of one guest: choose one of");
  Expect("inspect --from=a ps -- true", 2, "of one guest: choose one of");
  Expect("inspect --memory=a --at=end ps", 2, "--at is a moment of a program");
  Expect("inspect --since=exit ps -- true", 2, "--since is of diff");
  Expect("inspect --step=1 ps -- true", 2, "--step is of a recording");
  Expect("inspect maps -- true", 2, "maps takes 1 argument, not 0");
  Expect("inspect pt 2 9-1 -- true", 2, "\"9-1\" is no range");
  Expect("inspect pt 1 2 3 -- true", 2, "pt takes 1 to 2 arguments, not 3");
}

TEST(Command, FilesOfAnotherKind) {
  const std::string pipe = testing::TempDir() + "/pipe";
  std::filesystem::remove(pipe);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  Expect("run --from=" + pipe, 2, "pipe: not a regular file");
  Expect("view --recording=" + pipe, 2, "pipe: this is no recording");
}

TEST(Command, Help) {
  Expect("help", 0, "forkvisor run");
  Expect("--help", 0, "Exit codes");
  Expect("run --help", 0, "--rootfs=");
  Expect("help diff", 0, "--syscalls");
  Expect("help bench", 0, "--sizes=");
  Expect("help --help", 0, "forkvisor run");
  Expect("help nothing", 2, "no help about nothing");
  Expect("version", 0, "contract");
}

TEST(Command, ProgramsThatCannotRun) {
  Expect("run " + Kernel() + " /no/such/program", 2, "no such program");
  Expect("run " + Kernel() + " no-such-program", 2, "no such program in PATH");
  Expect("run " + Kernel() + " .", 2, ". is a directory, not a program");
  Expect("check " + Kernel() + " /etc", 2, "/etc is a directory, not a program");
  Expect("run " + Kernel() + " --rootfs=" + EmptyDirectory() + " /dev", 2,
         "/dev is a directory in");
  Expect("run " + Kernel() + " --rootfs=" + EmptyDirectory() + " /bin/ls", 2, "dynamically linked");
  Expect("run " + Kernel() + " " + Write("text", "hello"), 2, "neither an ELF program nor");
  const std::string script = Write("cwd_script", "#!/bin/sh\n:\n");
  Expect("run " + Kernel() + " --cwd=/no/such " + script, 2, "--cwd=/no/such: no such directory");
  Expect("run " + Kernel() + " --cwd=/etc/passwd " + script, 2, "--cwd=/etc/passwd: no such dir");
  Expect("run " + Kernel() + " --rootfs=/no/such/dir sh", 2, "--rootfs=/no/such/dir");
  Expect("run --kernel=/no/such/kernel true", 2, "/no/such/kernel");
}

TEST(Command, WithoutKvm) {
  const std::string script = Write("script", "#!/bin/sh\n:\n");
  Expect("run --kvm_device=/no/such/device " + Kernel() + " " + script, 3, "/no/such/device");
  // A file that opens but does not answer as KVM does.
  Expect("run --kvm_device=/dev/null " + Kernel() + " " + script, 3,
         "/dev/null does not answer as KVM does");
  Expect("check --mutants --kvm_device=/no/such/device", 3, "/no/such/device");
  Expect("run --kvm_device=/no/such/device " + Kernel() + " " + script, 3, "--host=qemu");
  Expect("run --host=qemu --qemu=/no/such/qemu " + script, 3, "/no/such/qemu does not start");
  Expect("run --host=qemu --qemu=/bin/true " + script, 3, "/bin/true does not start");
  Expect("run --host=qemu --kernel_ring=3 " + script, 2, "in ring 0 only");
  Expect("run --host=qemu --mem=4G " + script, 2, "at most 2 GiB");
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 2;
  g_binary = argv[1];
  return RUN_ALL_TESTS();
}
