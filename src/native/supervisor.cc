// SPDX-License-Identifier: Apache-2.0
//
// The supervisor stands where a guest's init does: session 1, it reaps orphans, and what the first
// program leaves behind ends with it. In a pid namespace the kernel sees to that; without one the
// supervisor is a child subreaper (prctl(2)) and kills until nothing is left.
#include "src/native/supervisor.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "src/native/confinement.h"
#include "src/native/control.h"
#include "src/native/private_root.h"
#include "vmm/exec_words.h"

namespace fv::native {
namespace {

constexpr int kControl = 3;
constexpr char kHostName[] = "forkvisor";  // as in a guest

struct Limit {
  decltype(RLIMIT_CORE) resource;
  rlim_t soft, hard;
};
// The limits that a guest's first program has. What a caller may not set stays.
constexpr Limit kLimits[] = {
    {RLIMIT_CORE, 0, RLIM_INFINITY},    {RLIMIT_STACK, 8 << 20, RLIM_INFINITY},
    {RLIMIT_NOFILE, 1024, 4096},        {RLIMIT_NPROC, 1024, 4096},
    {RLIMIT_MEMLOCK, 8 << 20, 8 << 20}, {RLIMIT_SIGPENDING, 1024, 1024},
};

// Descriptors 0 to 3 become the streams and `control`, all others are closed.
bool TakeDescriptors(const HelperDescriptors& from) {
  constexpr int kAside = 10;
  const int sources[] = {from.in, from.out, from.err, from.control};
  int aside[4];
  for (int i = 0; i < 4; ++i) {
    aside[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, kAside);
    if (aside[i] < 0) return false;
  }
  for (int i = 0; i < 4; ++i) {
    if (dup3(aside[i], i, i == kControl ? O_CLOEXEC : 0) < 0) return false;
  }
  return syscall(SYS_close_range, kControl + 1, ~0u, 0u) == 0;
}

// What the caller handles, ignores or blocks must not reach the program, nor how nice it is.
void ResetAttributes() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(S_IWGRP | S_IWOTH);
  (void)setpriority(PRIO_PROCESS, 0, 0);  // refused to some callers
}

void SetLimits(const NativeOptions& options) {
  for (const Limit& limit : kLimits) {
    const rlimit wanted{limit.soft, limit.hard};
    setrlimit(limit.resource, &wanted);
  }
  const rlimit file{options.file_limit_bytes, options.file_limit_bytes};
  if (options.file_limit_bytes != 0) setrlimit(RLIMIT_FSIZE, &file);
  const rlimit address{options.address_limit_bytes, options.address_limit_bytes};
  if (options.address_limit_bytes != 0) setrlimit(RLIMIT_AS, &address);
}

[[noreturn]] void BecomeProgram(const NativeOptions& options) {
  ResetAttributes();
  setpgid(0, 0);
  SetLimits(options);
  std::vector<char*> argv = vmm::ExecWords(options.argv);
  std::vector<char*> environment = vmm::ExecWords(options.environment);
  if (chdir(options.cwd.c_str()) != 0) {
    SendFailure(kControl, options.cwd.c_str(), errno);
    _exit(127);
  }
  if (!SendKind(kControl, Message::Kind::kReady) || !Receive(kControl)) _exit(127);
  if (!options.allowed_calls.empty() && !ConfineCalls(options.allowed_calls)) {
    SendFailure(kControl, "seccomp", errno);
    _exit(127);
  }
  execve(options.path.c_str(), argv.data(), environment.data());
  SendFailure(kControl, options.path.c_str(), errno);
  _exit(127);
}

// Kills children until there are none; orphans of theirs become ours.
void KillRest() {
  const std::string list = "/proc/self/task/" + std::to_string(syscall(SYS_gettid)) + "/children";
  for (;;) {
    std::ifstream children(list);
    pid_t child = 0;
    while (children >> child) kill(child, SIGKILL);
    if (waitpid(-1, nullptr, __WALL) < 0 && errno == ECHILD) return;
  }
}

// Reaps until `program` has ended or the caller has gone.
void Supervise(pid_t program, int child_signals) {
  for (;;) {
    pollfd fds[] = {{child_signals, POLLIN, 0}, {kControl, 0, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if ((fds[1].revents & (POLLHUP | POLLERR)) != 0) return;
    signalfd_siginfo ignored;
    (void)!read(child_signals, &ignored, sizeof(ignored));
    int status = 0;
    pid_t child;
    while ((child = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
      if (child != program) continue;
      Message message;
      message.kind = Message::Kind::kEnded;
      message.wait_status = status;
      (void)Send(kControl, message);
      return;
    }
  }
}

int RunSupervisor(const NativeOptions& options) {
  const bool is_private = options.root == NativeOptions::Root::kPrivate;
  if (is_private) {
    const absl::Status status = EnterPrivateRoot(*options.tree, options.tree_limit_bytes);
    if (!status.ok()) {
      const bool refused = absl::IsPermissionDenied(status);
      SendFailure(kControl, std::string(status.message()).c_str(), refused ? EPERM : EIO);
      return 1;
    }
  } else {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  setsid();
  signal(SIGCHLD, SIG_DFL);  // who ignores it, as the caller may, hears of no child
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  const int child_signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  const pid_t program = child_signals < 0 ? -1 : fork();
  if (program < 0) {
    SendFailure(kControl, "starting the program", errno);
    return 1;
  }
  if (program == 0) BecomeProgram(options);
  // The streams end when the program's own copies are closed.
  syscall(SYS_close_range, 0u, 2u, 0u);
  Supervise(program, child_signals);
  if (!is_private) KillRest();
  return 0;
}

// Namespaces for what is forked from here on. False: told the caller why not.
bool Unshare(NativeOptions::User user) {
  const bool users = user == NativeOptions::User::kNamespace;
  // By itself, and first: whoever has it may make the others.
  if (users && unshare(CLONE_NEWUSER) != 0) {
    Message refused;
    refused.kind = Message::Kind::kNoUsers;
    refused.error = errno;
    (void)Send(kControl, refused);
    return false;
  }
  if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) != 0) {
    SendFailure(kControl, "namespaces", errno);
    return false;
  }
  if (users) {
    if (!SendKind(kControl, Message::Kind::kUnshared) || !Receive(kControl)) return false;
    // May fail where groups are fixed (setgroups(2)); the user must not.
    (void)setgroups(0, nullptr);
    if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0) {
      SendFailure(kControl, "becoming root of the namespace", errno);
      return false;
    }
    prctl(PR_SET_DUMPABLE, 1);
  }
  (void)sethostname(kHostName, sizeof(kHostName) - 1);
  return true;
}

}  // namespace

int RunHelper(const NativeOptions& options, const HelperDescriptors& descriptors) {
  if (!TakeDescriptors(descriptors)) return 1;
  if (options.root == NativeOptions::Root::kHost) return RunSupervisor(options);
  if (!Unshare(options.user)) return 1;
  const pid_t supervisor = fork();
  if (supervisor < 0) {
    SendFailure(kControl, "starting the supervisor", errno);
    return 1;
  }
  if (supervisor == 0) _exit(RunSupervisor(options));
  syscall(SYS_close_range, 0u, ~0u, 0u);
  int status = 0;
  while (waitpid(supervisor, &status, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

}  // namespace fv::native
