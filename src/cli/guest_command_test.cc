// SPDX-License-Identifier: Apache-2.0
//
// The command with real guests: streams, exit codes, signals, time limits, terminals, reports.
// argv[1] is the binary, argv[2] guest/user's wild_write; the other programs are busybox's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "src/cli/testing/shell.h"
#include "vmm/exec_words.h"
#include "vmm/testing/require_kvm.h"

namespace {

std::string g_binary;
std::string g_wild_write;

using fv::cli::testing::Outcome;
using fv::cli::testing::RunShell;

// By the shell, with `F` for the binary; every guest has a time limit of its own.
Outcome Shell(const std::string& script) {
  const std::string command = "F() { '" + g_binary + "' run --timeout=100 \"$@\"; }; " + script;
  return RunShell(command);
}

// The verbs whose programs are not the user's.
Outcome Verb(const std::string& script) {
  return RunShell("exec 2>&1 </dev/null; F() { '" + g_binary + "' \"$@\"; }; D=$(mktemp -d); " +
                  "trap 'rm -rf $D' EXIT; " + script);
}

class GuestCommand : public fv::vmm::testing::KvmTest {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (access("/bin/busybox", X_OK) != 0) GTEST_SKIP() << "no /bin/busybox";
  }
};

TEST_F(GuestCommand, OutputAndStatus) {
  Outcome outcome = Shell("F busybox echo hello </dev/null");
  EXPECT_EQ(outcome.text, "hello\n");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(Shell("F busybox sh -c 'exit 42' 2>/dev/null").status, 42);
  EXPECT_EQ(Shell("F busybox sh -c 'kill -KILL $$' 2>/dev/null").status, 128 + SIGKILL);
}

TEST_F(GuestCommand, DynamicProgramsBringTheirLibraries) {
  EXPECT_EQ(Shell("F --check=every /bin/true").status, 0);
  const Outcome native = Shell("ls -d /proc/self/fd");
  EXPECT_EQ(Shell("F /bin/ls -d /proc/self/fd").text, native.text);
  EXPECT_EQ(Shell("F /bin/bash -c 'x=$(echo a b | wc -w); echo $x; exit 7'").status, 7);
}

TEST_F(GuestCommand, StreamsStayApart) {
  EXPECT_EQ(Shell("F busybox sh -c 'echo out; echo err >&2' 2>/dev/null").text, "out\n");
  EXPECT_EQ(Shell("F busybox sh -c 'echo out; echo err >&2' 2>&1 >/dev/null").text, "err\n");
  EXPECT_EQ(Shell("F busybox sh -c 'echo 1; echo 2 >&2; echo 3' 2>&1").text, "1\n2\n3\n");
}

TEST_F(GuestCommand, InputArrivesWhole) {
  const Outcome outcome = Shell(
      "head -c 1000000 /dev/urandom >$TMPDIR/in; md5sum <$TMPDIR/in; F busybox md5sum <$TMPDIR/in");
  ASSERT_EQ(outcome.text.size(), 72u) << outcome.text;
  EXPECT_EQ(outcome.text.substr(0, 36), outcome.text.substr(36));
}

TEST_F(GuestCommand, InputThatIsNotReadIsLeft) {
  EXPECT_EQ(Shell("printf 'one\\ntwo\\n' | (F busybox true; cat)").text, "one\ntwo\n");
}

TEST_F(GuestCommand, ALargeOutput) {
  EXPECT_EQ(Shell("F busybox seq 1 100000 | md5sum").text, Shell("seq 1 100000 | md5sum").text);
}

TEST_F(GuestCommand, AReaderThatLeavesEndsTheRun) {
  const Outcome outcome =
      Shell("{ { F busybox yes; echo status $? >&3; } | head -c 2; } 3>&1 2>&1");
  EXPECT_EQ(outcome.text, "y\nstatus 141\n") << "as if SIGPIPE had killed it, without a word";
}

// What the program says goes nowhere else: not into the file that is opened next, the recording.
TEST_F(GuestCommand, AClosedOutputIsSaid) {
  const Outcome outcome = Verb(
      "{ F run --record=$D/r busybox echo hi >&-; echo status $?; } 2>&1; F view "
      "--recording=$D/r --html=$D/page && echo whole");
  EXPECT_TRUE(outcome.Has("standard output: Bad file descriptor\nstatus 5\n")) << outcome.text;
  EXPECT_TRUE(outcome.Has("whole")) << outcome.text;
}

TEST_F(GuestCommand, AFullDiskIsSaid) {
  const Outcome output = Shell("{ F busybox echo hi >/dev/full; } 2>&1");
  EXPECT_EQ(output.status, 5);
  EXPECT_TRUE(output.Has("forkvisor: standard output: No space left on device")) << output.text;
  for (const char* flag : {"--events", "--trace"}) {
    const std::string to_full = std::string(flag) + "=/dev/full";
    const Outcome well = Shell("F " + to_full + " busybox true 2>&1");
    EXPECT_EQ(well.status, 5);
    EXPECT_TRUE(well.Has(to_full + " is not whole: No space left on device")) << well.text;
    EXPECT_EQ(Shell("F " + to_full + " busybox false 2>/dev/null").status, 1) << "the program's";
  }
}

TEST_F(GuestCommand, ACampaignEndsWhereNothingCanBeKept) {
  // libFuzzer passes over what it cannot write, so the campaign tries with a file of its own.
  const Outcome before = Verb("mkdir -p $D/room; F fuzz --time=0 --jobs=1 --corpus=$D");
  EXPECT_EQ(before.status, 5) << before.text;
  EXPECT_TRUE(before.Has("/room: Is a directory")) << before.text;
  const Outcome meanwhile = Verb(
      "Until() { until \"$@\" || ! kill -0 $!; do :; done; }; F fuzz --time=0 --jobs=1 "
      "--corpus=$D & Until [ -s $D/job-0.log ]; Until mkdir $D/room; wait $!");
  EXPECT_EQ(meanwhile.status, 5) << meanwhile.text;
  EXPECT_TRUE(meanwhile.Has("no campaign where programs cannot be kept")) << meanwhile.text;
  const Outcome log = Verb("mkdir -p $D/job-0.log; F fuzz --time=0 --jobs=1 --corpus=$D");
  EXPECT_EQ(log.status, 5) << log.text;
  EXPECT_TRUE(log.Has("/job-0.log: Is a directory")) << log.text;
}

TEST_F(GuestCommand, VerbsSayWhatTheyCouldNotWrite) {
  for (const char* flag : {"--events=/dev/full", "--record=/dev/full"}) {
    const Outcome replay = Verb(std::string("echo x >$D/p; F replay ") + flag + " $D/p");
    EXPECT_EQ(replay.status, 5) << replay.text;
    EXPECT_TRUE(replay.Has(flag) && replay.Has("No space left on device")) << replay.text;
  }
  const Outcome coverage = Verb("echo x >$D/p; F coverage --out=$D/p $D/p");
  EXPECT_EQ(coverage.status, 5) << coverage.text;
}

TEST_F(GuestCommand, ALimitOfFilesIsSaid) {
  const Outcome file = Verb("ulimit -f 8; F kernel --out=$D/kernel");
  EXPECT_EQ(file.status, 5) << file.text;
  EXPECT_TRUE(file.Has("/kernel: write: File too large")) << file.text;
}

// ASan reserves more than such a limit allows.
#if !__has_feature(address_sanitizer)
TEST_F(GuestCommand, ALimitOfMemoryIsSaid) {
  const Outcome outcome = Verb("ulimit -v 200000; F run busybox true");
  EXPECT_EQ(outcome.status, 5) << outcome.text;
  EXPECT_TRUE(outcome.Has("--mem=SIZE asks for less")) << outcome.text;
  const Outcome grade = Verb("ulimit -v 200000; F check --mutants=no-canary --mem=256M");
  EXPECT_EQ(grade.status, 5) << grade.text;
  EXPECT_TRUE(grade.Has("the host failed: reserving 268435456 bytes")) << grade.text;
}
#endif

TEST_F(GuestCommand, EnvironmentAndArguments) {
  const Outcome outcome = Shell("FOO=no F --env=BAR='a b' --env=HOME=/x busybox env");
  EXPECT_TRUE(outcome.Has("BAR=a b\n"));
  EXPECT_TRUE(outcome.Has("HOME=/x\n"));
  EXPECT_TRUE(outcome.Has("PATH="));
  EXPECT_FALSE(outcome.Has("FOO=")) << "the host's environment stays outside";
  EXPECT_EQ(Shell("F -- busybox echo --mem -v 'a  b'").text, "--mem -v a  b\n");
  const Outcome named =
      Shell("unset NONE TERM; FOO=yes F --env=FOO --env=NONE --env=TERM --env=E= busybox env");
  EXPECT_TRUE(named.Has("FOO=yes\n") && named.Has("E=\n")) << named.text;
  EXPECT_FALSE(named.Has("NONE") || named.Has("TERM")) << named.text;
}

TEST_F(GuestCommand, WorkingDirectories) {
  EXPECT_EQ(Shell("F --cwd=/dev/shm busybox pwd").text, "/dev/shm\n");
  const Outcome outcome = Shell("F --cwd=/dev/null busybox pwd 2>&1");
  EXPECT_EQ(outcome.status, 126);
  EXPECT_TRUE(outcome.Has("cannot run in /dev/null: ENOTDIR")) << outcome.text;
}

TEST_F(GuestCommand, ScriptsAndFiles) {
  EXPECT_EQ(Shell("cd $TMPDIR; printf '#!/bin/sh\\necho $0 $1; cat data\\n' >s; chmod +x s; "
                  "echo content >data; F --file=data ./s x")
                .text,
            "./s x\ncontent\n");
}

TEST_F(GuestCommand, AllocationsThatFail) {
  const Outcome fork =
      Shell("F --check=every --fail=nth:5,after=fork busybox sh -c 'echo a; ls; echo b' 2>&1");
  EXPECT_TRUE(fork.Has("a\nsh: can't fork: Cannot allocate memory\n")) << fork.text;
  EXPECT_TRUE(fork.Has("forkvisor: --fail: allocation 5 of ")) << fork.text;
  EXPECT_TRUE(fork.Has(" < CopyProcess < ")) << fork.text;
  EXPECT_EQ(fork.status, 2) << "the shell's";
  const Outcome none = Shell("F --fail=nth:1000000 busybox echo a 2>&1");
  EXPECT_TRUE(none.Has(" allocations, none failed\n")) << none.text;
  EXPECT_EQ(none.status, 0);
  const Outcome random =
      Shell("F --fail=probability:0.2,seed:5,after=fork busybox sh -c 'ls; ls' 2>&1");
  EXPECT_EQ(Shell("F --fail=probability:0.2,seed:5,after=fork busybox sh -c 'ls; ls' 2>&1").text,
            random.text)
      << "the same seed, the same failures";
  EXPECT_TRUE(Shell("F --fail=nth:1,after=mark:1 busybox true 2>&1").Has("never came"));
  const Outcome wrong = Shell("F --fail=nth:0 busybox true 2>&1");
  EXPECT_TRUE(wrong.Has("--fail: nth:0: wants a number from 1")) << wrong.text;
  EXPECT_EQ(wrong.status, 2);
}

TEST_F(GuestCommand, ADeathIsSaid) {
  const Outcome fault = Shell("F " + g_wild_write + " 2>&1");
  EXPECT_EQ(fault.status, 128 + SIGSEGV);
  EXPECT_TRUE(
      fault.Has("before\nforkvisor: pid 2 was killed by SIGSEGV (Segmentation fault): pid 2 "
                "(wild_write), address 0x18, rip 0x"))
      << fault.text;
  const Outcome sent = Shell("F busybox sh -c 'kill -BUS $$' 2>&1");
  EXPECT_EQ(sent.text, "forkvisor: pid 2 was killed by SIGBUS (Bus error)\n");
  EXPECT_EQ(Shell("F busybox sh -c 'kill -INT $$' 2>&1").text, "");
}

TEST_F(GuestCommand, LackOfMemoryIsSaid) {
  const Outcome outcome = Shell("F --mem=32M busybox awk 'BEGIN { while (1) a[i++] = i }' 2>&1");
  EXPECT_EQ(outcome.status, 128 + SIGKILL);
  EXPECT_TRUE(outcome.Has("--mem=SIZE gives it more")) << outcome.text;
}

TEST_F(GuestCommand, TimeLimits) {
  for (const char* program : {"sleep 100", "sh -c 'while :; do :; done'"}) {
    const Outcome outcome = Shell(std::string("F --timeout=0.3 busybox ") + program + " 2>&1");
    EXPECT_EQ(outcome.status, 124) << program;
    EXPECT_TRUE(outcome.Has("--timeout")) << outcome.text;
  }
}

// Somebody has the pipe open and never reads; the third descriptor is that one.
TEST_F(GuestCommand, AnOutputThatNobodyTakesDoesNotKeepARun) {
  EXPECT_EQ(Shell("mkfifo $TMPDIR/full; exec 3<>$TMPDIR/full; '" + g_binary +
                  "' run --timeout=1 busybox yes >$TMPDIR/full 2>/dev/null")
                .status,
            124);
  EXPECT_EQ(Shell("exec 3<>$TMPDIR/full; '" + g_binary +
                  "' run --timeout=60 busybox yes >$TMPDIR/full & read line <&3; "
                  "kill -TERM $!; wait $!")
                .status,
            128 + SIGTERM);
}

TEST_F(GuestCommand, ASignalEndsARun) {
  EXPECT_EQ(Shell("mkfifo $TMPDIR/up; '" + g_binary +
                  "' run --timeout=60 busybox sh -c 'echo up; sleep 1000' >$TMPDIR/up & "
                  "read line <$TMPDIR/up; kill -TERM $!; wait $!")
                .status,
            128 + SIGTERM);
}

TEST_F(GuestCommand, SleepersSleep) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Shell("F busybox sleep 0.3").status, 0);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(300));
}

TEST_F(GuestCommand, EventsAsText) {
  const Outcome outcome =
      Shell("F --events=- --event_kinds=fork-begin,exit busybox sh -c '(exit 3); exit 0' 2>&1");
  EXPECT_TRUE(outcome.Has("fork-begin")) << outcome.text;
  EXPECT_TRUE(outcome.Has("exit status=0x300")) << outcome.text;
  EXPECT_FALSE(outcome.Has("fork-phase")) << "not asked for";
}

// F84: what Linux's proc connector tells of.
TEST_F(GuestCommand, EventsOfTheForkConnector) {
  const Outcome outcome = Shell(
      "F --busybox=always --events=- --event_kinds=new-task,exec,uid,gid,session,exit,core-dump "
      "setpriv --reuid=4242 --regid=4343 --clear-groups "
      "/bin/busybox sh -c 'setsid true & wait; cd /tmp; kill -ABRT $$' 2>&1");
  for (const char* text :
       {" new-task parent_pid=2 parent_tgid=2 child_pid=3 child_tgid=3", "pid 2 exec ",
        "pid 2 uid uid=4242 euid=4242 suid=4242 fsuid=4242",
        "pid 2 gid gid=4343 egid=4343 sgid=4343 fsgid=4343", "pid 3 session sid=3",
        "pid 3 exit status=0x0 signal=17 tgid=3 parent_pid=2", "pid 2 exit status=0x6 "}) {
    EXPECT_TRUE(outcome.Has(text)) << text << "\n" << outcome.text;
  }
  EXPECT_FALSE(outcome.Has("core-dump")) << "the limit is 0";
  const Outcome core = Shell(
      "F --events=- --event_kinds=core-dump busybox sh -c 'ulimit -c unlimited; kill -ABRT $$' "
      "2>&1");
  EXPECT_TRUE(core.Has("core-dump signo=6 bytes=")) << core.text;
  EXPECT_TRUE(core.Has(" whole=1")) << core.text;
}

TEST_F(GuestCommand, CheckSumsUp) {
  const Outcome outcome =
      Shell("'" + g_binary + "' check --timeout=60 busybox sh -c '(echo child); echo parent' 2>&1");
  EXPECT_EQ(outcome.status, 0) << outcome.text;
  for (const char* text : {"child\n", "parent\n", "safepoints checked", "I1  held", "I12 held"}) {
    EXPECT_TRUE(outcome.Has(text)) << text << "\n" << outcome.text;
  }
  for (const char* mode : {"end", "sampled", "every"}) {
    EXPECT_EQ(
        Shell(std::string("F --check=") + mode + " busybox sh -c '(:); exit 7' 2>/dev/null").status,
        7);
  }
}

TEST_F(GuestCommand, VerboseSaysWhichRing) {
  const Outcome outcome = Shell("F -v busybox true 2>&1");
  EXPECT_TRUE(outcome.Has("kernel in ring")) << outcome.text;
  EXPECT_TRUE(outcome.Has("KVM kvm")) << outcome.text;
}

// A terminal: the test is the person.
class Person {
 public:
  explicit Person(const std::vector<std::string>& arguments) {
    winsize size{.ws_row = 33, .ws_col = 101, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = forkpty(&fd_, nullptr, nullptr, &size);
    if (pid_ != 0) return;
    std::vector<std::string> words = {g_binary};
    words.insert(words.end(), arguments.begin(), arguments.end());
    execv(g_binary.c_str(), fv::vmm::ExecWords(words).data());
    _exit(127);
  }
  ~Person() {
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    close(fd_);
  }
  void Type(const std::string& text) {
    EXPECT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // Reads until `text` has appeared behind what was waited for last, or the command has ended.
  bool Sees(const std::string& text) {
    while (true) {
      const size_t found = seen_.find(text, from_);
      if (found != std::string::npos) {
        from_ = found + text.size();
        return true;
      }
      char piece[4096];
      const ssize_t got = read(fd_, piece, sizeof(piece));
      if (got <= 0) break;
      seen_.append(piece, static_cast<size_t>(got));
    }
    ADD_FAILURE() << "never saw \"" << text << "\" in: " << seen_;
    return false;
  }
  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
  std::string seen_;
  size_t from_ = 0;
};

TEST_F(GuestCommand, AShellOnATerminal) {
  Person person({"run", "--timeout=60", "busybox", "sh"});
  ASSERT_TRUE(person.Sees("# "));
  person.Type("stty size\n");
  ASSERT_TRUE(person.Sees("33 101"));
  // What comes before a program runs is swallowed by busybox's own line editor, natively too.
  person.Type("sh -c 'echo go; cat'\n");
  ASSERT_TRUE(person.Sees("\r\ngo\r\n"));
  person.Type("a line\n");
  ASSERT_TRUE(person.Sees("a line\r\na line"));
  person.Type("\x04");  // ends cat, not the shell
  ASSERT_TRUE(person.Sees("# "));
  person.Type("sh -c 'echo go; exec sleep 1000'\n");
  ASSERT_TRUE(person.Sees("\r\ngo\r\n"));
  person.Type("\x03");  // ends sleep, not the shell
  ASSERT_TRUE(person.Sees("# "));
  for (int i = 0; i < 5; ++i) {  // a shell that waits for a line is not deaf
    person.Type("\x03");
    ASSERT_TRUE(person.Sees("# ")) << i;
  }
  person.Type("exit 9\n");
  EXPECT_EQ(person.Wait(), 9);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 3) return 2;
  g_binary = std::filesystem::absolute(argv[1]).string();
  g_wild_write = std::filesystem::absolute(argv[2]).string();
  setenv("TMPDIR", testing::TempDir().c_str(), 1);
  return RUN_ALL_TESTS();
}
