// SPDX-License-Identifier: Apache-2.0
//
// A guest under Debian's gdb, in batch mode, with the kernel in either ring: breakpoints in program
// and kernel, backtraces, variables, steps, threads, monitor commands, the end. And under clients
// that are no gdb. No time is looked at.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gflags/gflags.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "src/gdb/packet.h"
#include "tests/gdb/in_order.h"
#include "tests/programs/process.h"
#include "vmm/exec_words.h"
#include "vmm/fd.h"
#include "vmm/testing/require_kvm.h"

DEFINE_string(forkvisor, "", "the command");
DEFINE_string(debuggee, "", "the program");
DEFINE_string(buggy_kernel, "", "the guest kernel with mutants");

namespace fv::tests {
namespace {

constexpr char kGdb[] = "/usr/bin/gdb";

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).string(); }

// forkvisor run (or another verb, with flags) --gdb=0 with the program, and the port that it chose.
class DebuggedRun {
 public:
  DebuggedRun(const std::string& ring, const std::string& output,
              const std::vector<std::string>& verb = {"run"}) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    messages_ = vmm::Fd(ends[0]);
    const vmm::Fd theirs(ends[1]);
    std::vector<std::string> words = {Absolute(FLAGS_forkvisor)};
    words.insert(words.end(), verb.begin(), verb.end());
    for (const char* const word : {"--gdb=0", "--timeout=100"}) words.emplace_back(word);
    words.push_back("--kernel_ring=" + ring);
    words.push_back(Absolute(FLAGS_debuggee));
    std::vector<char*> argv = vmm::ExecWords(words);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0644);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), 2);
    // Whoever runs the test may ignore keys.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t keys;
    sigemptyset(&keys);
    sigaddset(&keys, SIGINT);
    posix_spawnattr_setsigdefault(&attributes, &keys);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ), 0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~DebuggedRun() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  DebuggedRun(const DebuggedRun&) = delete;
  DebuggedRun& operator=(const DebuggedRun&) = delete;

  // Of its first message, which ends in ":PORT".
  int Port() {
    std::string line;
    for (char c; read(messages_.get(), &c, 1) == 1 && c != '\n';) line.push_back(c);
    const size_t colon = line.rfind(':');
    EXPECT_NE(line.find("target remote"), std::string::npos) << line;
    return colon == std::string::npos ? 0 : std::atoi(line.c_str() + colon + 1);
  }
  // Exit code, or 128 + signal. A run that no debugger ever let go is killed.
  int Wait() {
    constexpr int kPatienceMs = 60'000;
    const vmm::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
    if (poll(&ended, 1, kPatienceMs) != 1) {
      ADD_FAILURE() << "the run does not end";
      Signal(SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void Signal(int number) { kill(pid_, number); }
  // proc(5): SigCgt. True, too, if the process has ended.
  bool Catches(int number) const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("State:") && line.find('Z') != std::string::npos) return true;
      if (!line.starts_with("SigCgt:")) continue;
      return (std::stoull(line.substr(7), nullptr, 16) >> (number - 1) & 1) != 0;
    }
    return true;
  }

 private:
  vmm::Fd messages_;
  pid_t pid_ = -1;
};

class GdbTest : public vmm::testing::KvmTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    KvmTest::SetUp();
    if (IsSkipped() || access(kGdb, X_OK) == 0) return;
    if (vmm::testing::KvmIsRequired()) FAIL() << "gdb is missing";
    GTEST_SKIP() << "gdb is missing";
  }

  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }

  // What gdb prints, debugging program and kernel by these commands.
  std::string Gdb(int port, const std::string& commands) {
    const ProcessResult kernel =
        RunProcess({.argv = {Absolute(FLAGS_forkvisor), "kernel", "--out=" + Path("kernel.elf")},
                    .environment = {},
                    .cwd = "/",
                    .input = ""});
    EXPECT_EQ(kernel.status, 0) << kernel.err;
    std::ofstream(Path("commands"))
        << "set remotetimeout 60\nset confirm off\nset pagination off\nset width 0\nfile "
        << Absolute(FLAGS_debuggee) << "\nadd-symbol-file " << Path("kernel.elf")
        << "\ntarget remote 127.0.0.1:" << port << "\n"
        << commands;
    // Monitor commands answer on standard error: both, in the order in which they come.
    const ProcessResult gdb = RunProcess(
        {.argv = {"/bin/sh", "-c", "exec \"$0\" -nx -batch -x \"$1\" 2>&1", kGdb, Path("commands")},
         .environment = {"HOME=/", "LC_ALL=C"},
         .cwd = directory_.path(),
         .input = "",
         .timeout = std::chrono::seconds(90)});
    EXPECT_FALSE(gdb.timed_out);
    return gdb.out;
  }

  TempDirectory directory_;
};

constexpr char kProgramCommands[] = R"(
info threads
break Work
continue
backtrace
print amount
set var counter = 1000
next
print twice
stepi
x/1i $pc
monitor ps
monitor check
continue
print amount
info threads
delete
finish
continue
)";

TEST_P(GdbTest, FollowsAProgramThroughItsFork) {
  DebuggedRun run(GetParam(), Path("output"));
  const std::string text = Gdb(run.Port(), kProgramCommands);
  EXPECT_EQ(run.Wait(), 5) << text;
  ExpectInOrder(text, {"Thread 1 (init",
                       "unavailable",
                       "* 2",
                       "debuggee, running",
                       "_start",
                       "hit Breakpoint 1, Work (amount=3)",
                       "#0  Work (amount=3)",
                       "in main ()",
                       "$1 = 3",
                       "$2 = 6",
                       "=> 0x",
                       "pid  tgid  ppid",
                       "debuggee",
                       "nothing is wrong",
                       "Thread 3 hit Breakpoint 1, Work (amount=100)",
                       "$3 = 100",
                       "Thread 2 (debuggee, interruptible)",
                       "wait4",
                       "* 3    Thread 3 (debuggee, running)",
                       "Work (amount=100)",
                       "main ()",
                       "Value returned is $4 = 1206",
                       "exited with code 05"});
  EXPECT_EQ(Content(Path("output")), "first 1006, child 7, counter 1006\n");
}

constexpr char kKernelCommands[] = R"(
break CopyProcess
continue
backtrace
monitor maps 2
stepi
next
next
print/x (long)&CopyProcess >> 32
tbreak DoExit
continue
info threads
delete
continue
)";

TEST_P(GdbTest, StopsInTheKernel) {
  DebuggedRun run(GetParam(), Path("output"));
  const std::string text = Gdb(run.Port(), kKernelCommands);
  EXPECT_EQ(run.Wait(), 5) << text;
  ExpectInOrder(text, {"Thread 2 hit Breakpoint 1, fv::guest::CopyProcess (args=", "fork.cc", "#1 ",
                       "KernelClone", "OnSyscall", "Trap", "start", "$1 = 0x7000",
                       "hit Temporary breakpoint 2, fv::guest::DoExit (status=1792)",
                       "* 3    Thread 3 (debuggee, running)", "DoExit", "exited with code 05"});
  EXPECT_EQ(Content(Path("output")), "first 47, child 7, counter 47\n");
}

TEST_P(GdbTest, DetachingLeavesTheProgramRunning) {
  DebuggedRun run(GetParam(), Path("output"));
  const std::string text = Gdb(run.Port(), "break Work\ncontinue\ndetach\n");
  EXPECT_EQ(run.Wait(), 5) << text;
  EXPECT_EQ(Content(Path("output")), "first 47, child 7, counter 47\n");
}

TEST_P(GdbTest, KillingEndsTheRun) {
  DebuggedRun run(GetParam(), Path("output"));
  const std::string text = Gdb(run.Port(), "break Work\ncontinue\nkill\n");
  EXPECT_EQ(run.Wait(), 128 + SIGKILL) << text;
  EXPECT_EQ(Content(Path("output")), "");
}

// Breakpoints are taken out whenever the oracle looks, and are there again: also one in a page that
// parent and child share until the child writes to it.
TEST_P(GdbTest, ACheckedRunIsRightWithBreakpoints) {
  DebuggedRun run(GetParam(), Path("output"), {"check"});
  const std::string text = Gdb(run.Port(),
                               "break Work\nbreak DoExit\ncontinue\ncontinue\n"
                               "break *(long)spare\nfinish\ndelete 2\ncontinue\n");
  EXPECT_EQ(run.Wait(), 5) << text;
  ExpectInOrder(
      text, {"hit Breakpoint 1, Work (amount=3)", "Thread 3 hit Breakpoint 1, Work (amount=100)",
             "Breakpoint 3 at", "Value returned is $1 = 247", "exited with code 05"});
  EXPECT_EQ(Content(Path("output")), "first 47, child 7, counter 47\n");
}

// In the parent, or in the child if a tick came.
TEST_P(GdbTest, StopsWhereTheOracleFindsSomething) {
  DebuggedRun run(
      GetParam(), Path("output"),
      {"check", "--kernel=" + Absolute(FLAGS_buggy_kernel), "--mutant=fork-keeps-write"});
  const std::string text = Gdb(run.Port(), "break Work\ncontinue\ncontinue\nbacktrace\ncontinue\n");
  EXPECT_EQ(run.Wait(), 1) << text;
  ExpectInOrder(text, {"hit Breakpoint 1, Work (amount=3)", "I1 broken", "received signal SIGTRAP",
                       "#0 ", "fork", "main ()", "SIGKILL"});
}

INSTANTIATE_TEST_SUITE_P(Ring, GdbTest, testing::Values("0", "3"),
                         [](const auto& info) { return std::string(info.param); });

// A client that is no gdb.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  void Close() { socket_ = vmm::Fd(); }
  void Send(const std::string& bytes) {
    EXPECT_EQ(send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // The next packet that comes; nullopt at the end of the connection.
  std::optional<std::string> Receive() {
    while (true) {
      while (const auto input = reader_.Next()) {
        if (input->kind == gdb::Input::Kind::kPacket) return input->data;
      }
      char piece[4096];
      const ssize_t got = recv(socket_.get(), piece, sizeof(piece), 0);
      if (got <= 0) return std::nullopt;
      reader_.Feed({piece, static_cast<size_t>(got)});
    }
  }
  std::string Ask(const std::string& packet) {
    Send(gdb::FramePacket(packet));
    return Receive().value_or("(the end)");
  }

 private:
  vmm::Fd socket_;
  gdb::PacketReader reader_;
};

class RawClientTest : public vmm::testing::KvmTest {
 protected:
  TempDirectory directory_;
  DebuggedRun run_{"auto", directory_.path() + "/output"};
};

TEST_F(RawClientTest, MaySendAnythingAndGoAway) {
  std::mt19937 random(1);
  RawClient rubbish(run_.Port());
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes.push_back(static_cast<char>(random()));
  rubbish.Send(bytes + "#00");
  // Packets that are whole and mean nothing; none that lets the guest go on or ends it.
  const std::string letters = "gGpPmMXHTZzq0123456789abdef,;:=-";
  for (int i = 0; i < 300; ++i) {
    std::string packet;
    for (size_t n = random() % 20; n > 0; --n) packet.push_back(letters[random() % letters.size()]);
    rubbish.Send(gdb::FramePacket(packet));
  }
  rubbish.Send(gdb::FramePacket("vCont?"));
  std::optional<std::string> answer;
  do {
    answer = rubbish.Receive();
    ASSERT_TRUE(answer) << "the connection has ended";
  } while (*answer != "vCont;c;C;s;S");
  // It goes away in the middle of a packet, and the guest goes on without it.
  rubbish.Send("$m0,");
  rubbish.Close();
  EXPECT_EQ(run_.Wait(), 5);
}

TEST_F(RawClientTest, StepsNobodyWhoIsNotThere) {
  RawClient client(run_.Port());
  EXPECT_EQ(client.Ask("?"), "T05thread:2;");
  EXPECT_EQ(client.Ask("vCont;s:99"), "E03");
  EXPECT_EQ(client.Ask("vCont;s:2"), "T05thread:2;");
  EXPECT_EQ(client.Ask("vCont;c"), "W05");
  EXPECT_EQ(run_.Wait(), 5);
}

TEST_F(RawClientTest, WatchpointsAreThereOrRefusedHonestly) {
  RawClient client(run_.Port());
  EXPECT_EQ(client.Ask("?"), "T05thread:2;");
  const std::string answer = client.Ask("Z2,401000,4");
  EXPECT_TRUE(answer.empty() || answer == "OK") << answer;
  EXPECT_EQ(client.Ask("Z3,401000,4"), "") << "x86 has none for reads alone";
  EXPECT_EQ(client.Ask("D"), "OK");
  EXPECT_EQ(run_.Wait(), 5);
}

TEST_F(RawClientTest, ASignalEndsARunThatWaitsForAClient) {
  EXPECT_GT(run_.Port(), 0);
  run_.Signal(SIGTERM);
  EXPECT_EQ(run_.Wait(), 128 + SIGTERM);
}

TEST_F(RawClientTest, OneKeyEndsARunThatWaitsForAClient) {
  EXPECT_GT(run_.Port(), 0);
  while (!run_.Catches(SIGINT)) std::this_thread::yield();  // else it would not be a key
  run_.Signal(SIGINT);
  EXPECT_EQ(run_.Wait(), 128 + SIGINT);
}

}  // namespace
}  // namespace fv::tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
