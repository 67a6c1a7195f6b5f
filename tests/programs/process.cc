// SPDX-License-Identifier: Apache-2.0
//
// The child between fork and exec makes system calls only. The parent feeds and drains the pipes
// with poll, so that neither side can block the other.
#include "tests/programs/process.h"
#include "vmm/exec_words.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

namespace fv::tests {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Throw(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { Close(); }
  void Reset(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Pipe {
  FileDescriptor read_end, write_end;
  Pipe() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) Throw("pipe2");
    read_end.Reset(fds[0]);
    write_end.Reset(fds[1]);
  }
};

// Signals that this process ignores or blocks must not leak into the test program.
void DefaultSignals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void Become(const char* cwd, char* const* argv, char* const* envp, int in, int out,
                         int err) {
  DefaultSignals();
  setpgid(0, 0);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2 && chdir(cwd) == 0) {
    syscall(SYS_close_range, 3u, ~0u, 0u);
    execve(argv[0], argv, envp);
  }
  static constexpr char kMessage[] = "cannot execute\n";
  if (write(2, kMessage, sizeof(kMessage) - 1) < 0) _exit(126);
  _exit(127);
}

// Appends what is there; closes at the end of file.
void Drain(FileDescriptor& from, std::string& to) {
  std::array<char, 65536> buffer;
  const ssize_t n = read(from.get(), buffer.data(), buffer.size());
  if (n > 0) to.append(buffer.data(), static_cast<size_t>(n));
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) from.Close();
}

void Feed(FileDescriptor& to, const std::string& text, size_t& done) {
  const ssize_t n = write(to.get(), text.data() + done, text.size() - done);
  if (n > 0) done += static_cast<size_t>(n);
  if (done == text.size() || (n < 0 && errno != EAGAIN && errno != EINTR)) to.Close();
}

struct Streams {
  FileDescriptor in, out, err;
};

// Moves bytes until both outputs are closed; false when the time is over before.
bool Pump(Streams& streams, const std::string& input, Clock::time_point end,
          ProcessResult& result) {
  size_t fed = 0;
  if (input.empty()) streams.in.Close();
  while (streams.out.open() || streams.err.open()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 3> fds{{{streams.out.get(), POLLIN, 0},
                               {streams.err.get(), POLLIN, 0},
                               {streams.in.get(), POLLOUT, 0}}};
    if (poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR) Throw("poll");
    if (fds[0].revents != 0) Drain(streams.out, result.out);
    if (fds[1].revents != 0) Drain(streams.err, result.err);
    if (fds[2].revents != 0) Feed(streams.in, input, fed);
  }
  return true;
}

// The status once the process has ended, or nothing when the time is over.
std::optional<int> AwaitEnd(pid_t pid, Clock::time_point end) {
  for (;;) {
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) {
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    if (Clock::now() >= end) return std::nullopt;
    usleep(1000);
  }
}

}  // namespace

ProcessResult RunProcess(const ProcessOptions& options) {
  Pipe in, out, err;
  std::vector<char*> argv = vmm::ExecWords(options.argv);
  std::vector<char*> envp = vmm::ExecWords(options.environment);
  const pid_t pid = fork();
  if (pid < 0) Throw("fork");
  if (pid == 0) {
    Become(options.cwd.c_str(), argv.data(), envp.data(), in.read_end.get(), out.write_end.get(),
           err.write_end.get());
  }
  setpgid(pid, pid);  // here as well: whoever comes first
  in.read_end.Close();
  out.write_end.Close();
  err.write_end.Close();
  Streams streams;
  streams.in.Reset(dup(in.write_end.get()));
  streams.out.Reset(dup(out.read_end.get()));
  streams.err.Reset(dup(err.read_end.get()));
  in.write_end.Close();
  fcntl(streams.in.get(), F_SETFL, O_NONBLOCK);

  ProcessResult result;
  signal(SIGPIPE, SIG_IGN);
  const Clock::time_point end = Clock::now() + options.timeout;
  std::optional<int> status;
  if (Pump(streams, options.input, end, result)) status = AwaitEnd(pid, end);
  result.timed_out = !status.has_value();
  kill(-pid, SIGKILL);  // the rest of the group, or all of it
  if (!status.has_value()) status = AwaitEnd(pid, Clock::now() + std::chrono::seconds(10));
  result.status = status.value_or(-1);
  return result;
}

TempDirectory::TempDirectory() {
  const char* base = std::getenv("TEST_TMPDIR");
  path_ = std::string(base == nullptr ? "/tmp" : base) + "/fvXXXXXX";
  if (mkdtemp(path_.data()) == nullptr) Throw("mkdtemp");
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace fv::tests
