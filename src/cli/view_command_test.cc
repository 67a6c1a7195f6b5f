// SPDX-License-Identifier: Apache-2.0
//
// forkvisor view as people use it. argv[1] is the binary, argv[2] guest/user's fork_two_pages.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <span>
#include <string>
#include <vector>

#include "src/cli/testing/shell.h"
#include "src/recording/record_reader.h"
#include "src/view/testing/client.h"
#include "vmm/exec_words.h"
#include "vmm/fd.h"
#include "vmm/testing/require_kvm.h"

extern char** environ;

namespace {

using fv::cli::testing::Outcome;
using fv::cli::testing::RunShell;
using fv::view::testing::Client;
using fv::vmm::Fd;

std::string g_binary;
std::string g_program;

Outcome Shell(const std::string& script) {
  return RunShell("exec </dev/null; B='" + g_binary + "'; F() { \"$B\" \"$@\"; }; P='" + g_program +
                  "'; D=$(mktemp -d /tmp/view_XXXXXX); trap 'rm -rf $D' EXIT; " + script);
}

// The command while it serves.
class Serving {
 public:
  explicit Serving(std::vector<std::string> words) {
    int input[2];
    int error[2];
    EXPECT_EQ(::pipe2(input, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(error, O_CLOEXEC), 0);
    input_ = Fd(input[1]);
    error_ = Fd(error[0]);
    words.insert(words.begin(), {g_binary, "view"});
    std::vector<char*> arguments = fv::vmm::ExecWords(words);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, error[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, error[1], STDERR_FILENO);
    EXPECT_EQ(::posix_spawn(&pid_, g_binary.c_str(), &files, nullptr, arguments.data(), environ),
              0);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(input[0]);
    ::close(error[1]);
  }
  ~Serving() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  // Reads what it says until `what` has come.
  bool Says(const std::string& what) {
    while (said_.find(what) == std::string::npos) {
      char piece[1024];
      const ssize_t got = ::read(error_.get(), piece, sizeof(piece));
      if (got <= 0) return false;
      said_.append(piece, static_cast<size_t>(got));
    }
    return true;
  }
  // Looks the address up in what it says.
  void FindUrl() {
    ASSERT_TRUE(Says("/?token=")) << said_;
    const size_t begin = said_.find("http://127.0.0.1:") + 17;
    ASSERT_TRUE(Says("\n"));
    const size_t query = said_.find("/?token=", begin);
    port_ = static_cast<uint16_t>(std::stoi(said_.substr(begin, query - begin)));
    query_ = said_.substr(query + 1, said_.find('\n', query) - query - 1);
  }
  // HTTP/1.0: no chunks.
  std::string Request(const std::string& path) const {
    return "GET " + path + query_ + " HTTP/1.0\r\nHost: 127.0.0.1:" + std::to_string(port_) +
           "\r\n\r\n";
  }
  uint16_t port() const { return port_; }
  void EndInput() { input_ = Fd(); }
  // Exit code after a signal.
  int Interrupt() {
    ::kill(pid_, SIGINT);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  Fd input_;
  Fd error_;
  std::string said_;
  uint16_t port_ = 0;
  std::string query_;
};

std::string BodyOf(const std::string& answer) {
  const size_t head = answer.find("\r\n\r\n");
  return head == std::string::npos ? "" : answer.substr(head + 4);
}

// Steps and findings of a recording, and whether it has its end.
struct Content {
  int steps = 0;
  int findings = 0;
  bool ended = false;
};
Content Read(const std::string& bytes) {
  Content content;
  auto reader = fv::recording::RecordReader::Open(
      {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  EXPECT_TRUE(reader.ok()) << reader.status();
  if (!reader.ok()) return content;
  while (const auto record = reader->Next()) {
    content.steps += record->has_step();
    content.findings += record->has_finding();
    content.ended = record->has_end();
  }
  return content;
}

class ViewCommand : public fv::vmm::testing::KvmTest {};

TEST_F(ViewCommand, ServesARunThatEnded) {
  Serving view({"--record_limit=0", g_program});
  ASSERT_NO_FATAL_FAILURE(view.FindUrl());
  Client page(view.port());
  page.Send(view.Request("/"));
  EXPECT_NE(page.ReceiveAll().find("id=\"recording\""), std::string::npos);
  Client recording(view.port());
  recording.Send(view.Request("/recording"));
  const Content content = Read(BodyOf(recording.ReceiveAll()));
  EXPECT_GT(content.steps, 5);
  EXPECT_TRUE(content.ended);
  EXPECT_EQ(view.Interrupt(), 0);
}

// The program waits for input that does not come: the page and what happened so far are there.
TEST_F(ViewCommand, WaitsForNoEndOfTheProgram) {
  Serving view({"busybox", "cat"});
  ASSERT_NO_FATAL_FAILURE(view.FindUrl());
  Client page(view.port());
  page.Send(view.Request("/"));
  EXPECT_NE(page.ReceiveAll().find("id=\"recording\""), std::string::npos);
  Client recording(view.port());
  recording.Send(view.Request("/recording"));
  // The name of the program is in the state of its task.
  EXPECT_NE(recording.ReceiveUntil("busybox").find("busybox"), std::string::npos);
  view.EndInput();
  EXPECT_TRUE(Read(BodyOf(recording.ReceiveAll())).ended);
}

TEST_F(ViewCommand, APageWithARecordingInside) {
  const Outcome outcome = Shell(
      "F run --record=$D/r $P >/dev/null && F view --recording=$D/r --html=$D/page && "
      "sed -n 's/.*id=\"recording\"[^>]*>\\([^<]*\\)<.*/\\1/p' $D/page | base64 -d | cmp - $D/r && "
      "F view --html=$D/other $P >/dev/null && grep -q 'id=\"recording\"[^>]*>RlZSRUM' $D/other");
  EXPECT_EQ(outcome.status, 0) << outcome.text;
}

// A program of the fuzzer, on a right kernel and on one with a bug that the oracle finds.
TEST_F(ViewCommand, AReplayIsRecordedWithItsFindings) {
  const std::string program =
      R"(echo 'tasks { calls { name: "store" arguments { arena { page: 30 } } arguments { value: 1 } }
                       calls { name: "fork" arguments { task: 1 } } }
               tasks { calls { name: "store" arguments { arena { page: 30 } }
                               arguments { value: 2 } } }' >$D/p.textproto; )";
  const Outcome right = Shell(program + "F replay --record=$D/r $D/p.textproto >&2 && cat $D/r");
  EXPECT_EQ(right.status, 0);
  EXPECT_GT(Read(right.text).steps, 5);
  EXPECT_EQ(Read(right.text).findings, 0);
  EXPECT_TRUE(Read(right.text).ended);
  const Outcome wrong =
      Shell(program +
            "F replay --mutant=fork-keeps-write --record=$D/r $D/p.textproto >&2; "
            "test $? = 1 && cat $D/r");
  EXPECT_EQ(wrong.status, 0);
  EXPECT_GT(Read(wrong.text).findings, 0);
  EXPECT_TRUE(Read(wrong.text).ended);
}

TEST_F(ViewCommand, ErrorsSayWhatIsWrong) {
  const struct {
    const char* script;
    const char* sentence;
  } wrong[] = {
      {"F view 2>&1", "which program?"},
      {"F view --recording=$D/none 2>&1", "No such file"},
      {"F view --recording=$B --html=$D/x 2>&1", "no recording"},
      {"F view --recording=$B $P 2>&1", "its program already"},
      {"F view --port=99999 $P 2>&1", "--port"},
      {"F view --bind=example.org $P 2>&1", "no IPv4 address"},
      {"F run --record=/nowhere/r $P 2>&1", "--record=/nowhere/r"},
      {"F run --record=$D/r --record_kinds=none $P 2>&1", "none"},
      {"F run --record=$D/r --record_share=101 $P 2>&1", "--record_share is 0 to 100"},
      {"echo 'tasks {}' >$D/p.textproto; F replay --record=/nowhere/r $D/p.textproto 2>&1",
       "--record=/nowhere/r"},
  };
  for (const auto& [script, sentence] : wrong) {
    const Outcome outcome = Shell(script);
    EXPECT_EQ(outcome.status, 2) << script;
    EXPECT_NE(outcome.text.find(sentence), std::string::npos) << script << "\n" << outcome.text;
  }
}

TEST_F(ViewCommand, TheAddressIsOfARun) {
  for (const char* wrong :
       {"--mem=1 $P", "--event_kinds=none $P", "/no/such/program", "--vm=/nowhere/socket $P"}) {
    const Outcome outcome = Shell(std::string("F view ") + wrong + " 2>&1");
    EXPECT_EQ(outcome.status, 2) << outcome.text;
    EXPECT_FALSE(outcome.Has("http://")) << outcome.text;
  }
}

TEST_F(ViewCommand, ALimitIsKeptAndTold) {
  const Outcome outcome = Shell(
      "F run --record_share=0 --record=$D/r --record_limit=8K $P 2>&1 && test $(stat -c %s $D/r) "
      "-lt 12288");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.Has("the recording ends at 8K")) << outcome.text;
}

// Fewer steps where stops have a share of the time; but every event, and the same end.
TEST_F(ViewCommand, StopsHaveAShareOfTheRun) {
  const Outcome outcome = Shell(R"(
    record() {
      F run --record=$D/r$1 --record_share=$1 busybox sh -c \
        'i=0; while [ $i -lt 100 ]; do (:); i=$((i+1)); done'
      last=$(F inspect --recording=$D/r$1 --step=999999 ps 2>&1 | sed 's/.*to \([0-9]*\),.*/\1/')
      F inspect --recording=$D/r$1 --step=$last ps | tail -n +2 >$D/ps$1
      F inspect --recording=$D/r$1 --step=$last events 99999 | grep -c ' reap ' >$D/reaps$1
    }
    record 0; all=$last; record 1
    test $last -le $all && cmp $D/ps0 $D/ps1 && cmp $D/reaps0 $D/reaps1 && cat $D/ps1 $D/reaps1)");
  EXPECT_EQ(outcome.status, 0) << outcome.text;
  EXPECT_TRUE(outcome.Has(" init\n101\n")) << outcome.text;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  g_binary = argc > 1 ? argv[1] : "";
  g_program = argc > 2 ? argv[2] : "";
  return RUN_ALL_TESTS();
}
