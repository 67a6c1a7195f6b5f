// SPDX-License-Identifier: Apache-2.0
//
// fork(2), a few descriptors put in place, execvp(3).
#include "vmm/qemu/qemu_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "vmm/error.h"
#include "vmm/exec_words.h"
#include "vmm/memory_file.h"

namespace fv::vmm::qemu {
namespace {

constexpr off_t kKeptOutput = 8192;
constexpr int kFirstSpareFd = 16;
constexpr int kExecFailed = 127;

struct ChildFds {
  int memory, firmware, bell, log;
};

// Only async-signal-safe calls from here on: the parent may have had other threads.
void PlaceFds(const ChildFds& fds) {
  // Out of the way first: one's place may be another's number.
  const int memory = ::fcntl(fds.memory, F_DUPFD, kFirstSpareFd);
  const int firmware = ::fcntl(fds.firmware, F_DUPFD, kFirstSpareFd);
  const int bell = ::fcntl(fds.bell, F_DUPFD, kFirstSpareFd);
  const int log = ::fcntl(fds.log, F_DUPFD, kFirstSpareFd);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::dup2(memory, kMemoryFd);
  ::dup2(firmware, kFirmwareFd);
  ::dup2(bell, kBellFd);
  ::close_range(kBellFd + 1, ~0u, 0);
}

[[noreturn]] void RunChild(char* const* argv, const ChildFds& fds, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kExecFailed);  // it died before it could take us along
  PlaceFds(fds);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(argv[0], argv);
  ::_exit(kExecFailed);
}

}  // namespace

QemuProcess::QemuProcess(const std::vector<std::string>& argv, int memory_fd, int firmware_fd)
    : log_(MemoryFile("forkvisor-qemu-output")) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    ThrowErrno("socketpair", errno);
  }
  bell_ = Fd(pair[0]);
  const Fd childs_end(pair[1]);
  std::vector<char*> words = ExecWords(argv);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) ThrowErrno("fork", errno);
  if (pid_ == 0) {
    RunChild(words.data(), {memory_fd, firmware_fd, childs_end.get(), log_.get()}, parent);
  }
}

QemuProcess::~QemuProcess() {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool QemuProcess::EmptyBell() {
  char bytes[4096];
  const ssize_t got = ::recv(bell_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

void QemuProcess::Freeze() {
  if (frozen_) return;
  ::kill(pid_, SIGSTOP);
  siginfo_t info{};
  // WEXITED and WNOWAIT: a process that has ended stands too, and is left for the destructor.
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) < 0 &&
         errno == EINTR) {
  }
  frozen_ = true;
}

void QemuProcess::Thaw() {
  if (!frozen_) return;
  ::kill(pid_, SIGCONT);
  frozen_ = false;
}

std::string QemuProcess::output() const {
  struct stat status {};
  if (::fstat(log_.get(), &status) != 0) return {};
  const off_t end = status.st_size;
  const off_t start = end > kKeptOutput ? end - kKeptOutput : 0;
  std::string text(static_cast<size_t>(end - start), '\0');
  const ssize_t got = ::pread(log_.get(), text.data(), text.size(), start);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

}  // namespace fv::vmm::qemu
