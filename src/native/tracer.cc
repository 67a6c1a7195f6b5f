// SPDX-License-Identifier: Apache-2.0
//
// Stops are told apart as ptrace(2) describes for PTRACE_SEIZE. Every ptrace request may fail with
// ESRCH because SIGKILL does not wait for a tracer; the end is then reported by waitpid.
#include "src/native/tracer.h"

#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/trace/names.h"

namespace fv::native {
namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
constexpr int kSyscallStop = SIGTRAP | 0x80;
// Of a path that is kept for showing, in bytes.
constexpr size_t kPathBytes = 120;

void Resume(pid_t tid, int signal) {
  (void)ptrace(PTRACE_SYSCALL, tid, nullptr, reinterpret_cast<void*>(static_cast<long>(signal)));
}

unsigned long EventMessage(pid_t tid) {
  unsigned long message = 0;
  (void)ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &message);
  return message;
}

// The value of a field of /proc/TID/status, or nothing.
std::string StatusField(pid_t tid, std::string_view name) {
  std::ifstream status(absl::StrCat("/proc/", tid, "/status"));
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(name)) return line.substr(name.size());
  }
  return "";
}

// Whether a handler will run for a signal that the tracee is about to get.
bool HasHandler(pid_t tid, int signal) {
  const std::string caught = StatusField(tid, "SigCgt:\t");
  return !caught.empty() && (std::stoull(caught, nullptr, 16) >> (signal - 1) & 1) != 0;
}

// The thread id in each pid namespace that it lives in, from ours inwards; empty if that cannot be
// told.
std::vector<uint32_t> Pids(pid_t tid) {
  std::istringstream field(StatusField(tid, "NSpid:\t"));
  return {std::istream_iterator<uint32_t>(field), {}};
}

// Up to kPathBytes of a string in the tracee; empty if it cannot be read.
std::string ReadString(pid_t tid, uint64_t address) {
  constexpr uint64_t kPage = 4096;
  std::string text(kPathBytes, '\0');
  // Not across a page's end: the next page may not be there.
  const uint64_t here = std::min<uint64_t>(kPathBytes, kPage - address % kPage);
  iovec local[] = {{text.data(), text.size()}};
  iovec remote[] = {{reinterpret_cast<void*>(address), here},
                    {reinterpret_cast<void*>(address + here), kPathBytes - here}};
  const ssize_t got = process_vm_readv(tid, local, 1, remote, 2, 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  const size_t end = text.find('\0');
  if (end != std::string::npos) return text.substr(0, end);
  return text.empty() ? text : text + "...";
}

bool ReadsDescriptor(std::string_view name) {
  constexpr std::string_view kReading[] = {"read",    "pread64",  "readv",     "preadv",
                                           "preadv2", "getdents", "getdents64"};
  return std::find(std::begin(kReading), std::end(kReading), name) != std::end(kReading);
}

// By the file system, since what a file is called depends on whose root one looks from.
trace::Call::Source SourceOf(pid_t tid, int fd) {
  using Source = trace::Call::Source;
  struct statfs system;
  if (statfs(absl::StrCat("/proc/", tid, "/fd/", fd).c_str(), &system) != 0) return Source::kOther;
  switch (system.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
      return Source::kKernelFile;
    case PIPEFS_MAGIC:
    case DEVPTS_SUPER_MAGIC:
      return Source::kStream;
    default:
      return Source::kOther;
  }
}

// What can be told only while the tracee stands at the entry.
void Describe(pid_t tid, trace::Call& call) {
  const trace::SyscallInfo* info = trace::FindSyscall(call.number);
  if (info == nullptr) return;
  for (size_t i = 0; i < info->kinds.size() && i < call.arguments.size(); ++i) {
    if (info->kinds[i] == 's' && call.arguments[i] != 0) {
      call.paths.push_back(ReadString(tid, call.arguments[i]));
    }
  }
  if (ReadsDescriptor(info->name)) {
    call.source = SourceOf(tid, static_cast<int>(call.arguments[0]));
  }
}

// Linux reports no child of CLONE_UNTRACED (clone(2)). So clone is made without the flag, and the
// register that held it is put back when the caller, or the child, stops next. clone3 has its flags
// in memory, where other threads could see a change: of such a child nothing is recorded.
void SetFirstArgument(pid_t tid, uint64_t value) {
  (void)ptrace(PTRACE_POKEUSER, tid, offsetof(user_regs_struct, rdi), value);
}

// Whether a signal means nothing to the tracee because it is init of a pid namespace, the signal
// comes from a process of it, and there is no handler (pid_namespaces(7)). A traced init would be
// stopped by it.
bool IsNothingToInit(pid_t tid, int signal) {
  const std::string ids = StatusField(tid, "NStgid:\t");
  if (!ids.ends_with("\t1")) return false;
  siginfo_t info{};
  if (ptrace(PTRACE_GETSIGINFO, tid, nullptr, &info) != 0) return false;
  const bool from_inside = info.si_code <= 0 && info.si_pid != 0;
  return from_inside && !HasHandler(tid, signal);
}

bool MakesTasks(uint64_t number) {
  const std::string name = trace::SyscallName(number);
  return name == "fork" || name == "vfork" || name == "clone" || name == "clone3";
}

}  // namespace

absl::Status Tracer::Attach(pid_t process) {
  const auto refused = [](const char* what) {
    return absl::PermissionDeniedError(
        absl::StrCat("ptrace is not permitted (", what, ": ", strerrordesc_np(errno), ")"));
  };
  if (ptrace(PTRACE_SEIZE, process, nullptr, kOptions) != 0) return refused("PTRACE_SEIZE");
  level_ = std::max<size_t>(Pids(process).size(), 1) - 1;
  tracees_[process] = {.pid = PidOf(process)};
  // Its calls are reported from the next stop on.
  if (ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr) != 0) return refused("PTRACE_INTERRUPT");
  int status = 0;
  if (waitpid(process, &status, __WALL | __WNOTHREAD) != process || !WIFSTOPPED(status)) {
    return absl::UnavailableError("the program went away before its start");
  }
  Resume(process, 0);
  return absl::OkStatus();
}

uint32_t Tracer::PidOf(pid_t tid) const {
  const std::vector<uint32_t> pids = Pids(tid);
  return level_ < pids.size() ? pids[level_] : static_cast<uint32_t>(tid);
}

trace::Trace Tracer::Run() {
  for (;;) {
    int status = 0;
    const pid_t tid = waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (tid < 0 && errno == EINTR) continue;
    if (tid < 0) return builder_.Take();
    OnStatus(tid, status);
  }
}

void Tracer::OnStatus(pid_t tid, int status) {
  const auto [tracee, is_new] = tracees_.try_emplace(tid);
  if (!WIFSTOPPED(status)) {
    OnEnd(tracee);
    return;
  }
  if (is_new) tracee->second.born = false;
  if (!tracee->second.born) {
    tracee->second.status = status;
    return;
  }
  OnStop(tracee, status);
}

void Tracer::OnStop(Entry tracee, int status) {
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  const pid_t tid = tracee->first;
  if (tracee->second.first_argument && (event == PTRACE_EVENT_STOP || signal == kSyscallStop)) {
    SetFirstArgument(tid, *tracee->second.first_argument);
    tracee->second.first_argument.reset();
  }
  if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
    // A group-stop: it stays stopped, and SIGCONT will be reported.
    (void)ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
  } else if (event != 0) {
    OnEvent(tracee, event);
    Resume(tid, 0);
  } else if (signal == kSyscallStop) {
    OnSyscall(tracee);
    Resume(tid, 0);
  } else if (IsNothingToInit(tid, signal)) {
    Resume(tid, 0);
  } else {
    // A signal on its way to the tracee.
    if (HasHandler(tid, signal)) builder_.OnHandler(tracee->second.pid);
    Resume(tid, signal);
  }
}

void Tracer::OnEvent(Entry tracee, int event) {
  switch (event) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      OnBirth(tracee, static_cast<pid_t>(EventMessage(tracee->first)));
      break;
    case PTRACE_EVENT_EXEC:
      OnExec(tracee);
      break;
    default:  // PTRACE_EVENT_STOP: a new child's first stop, or the end of a group-stop
      break;
  }
}

void Tracer::OnBirth(Entry creator, pid_t child) {
  if (child == 0) return;  // the creator was killed before it could be asked: see OnEnd
  const auto [tracee, is_new] = tracees_.try_emplace(child);
  tracee->second.pid = PidOf(child);
  tracee->second.first_argument = creator->second.first_argument;
  builder_.OnBirth(creator->second.pid, tracee->second.pid);
  if (is_new) return;
  tracee->second.born = true;
  OnStop(tracee, tracee->second.status);
}

void Tracer::OnExec(Entry tracee) {
  const auto former = static_cast<pid_t>(EventMessage(tracee->first));
  if (!recording_) {
    recording_ = true;
    builder_.OnFirst(tracee->second.pid);
    return;
  }
  const auto thread = tracees_.find(former);
  if (former == tracee->first || thread == tracees_.end()) return;
  builder_.OnExec(thread->second.pid, tracee->second.pid);
  tracees_.erase(thread);
}

void Tracer::OnSyscall(Entry tracee) {
  __ptrace_syscall_info info{};
  const pid_t tid = tracee->first;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0) return;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    std::array<uint64_t, 6> arguments;
    std::copy(std::begin(info.entry.args), std::end(info.entry.args), arguments.begin());
    trace::Call* call = builder_.OnEnter(tracee->second.pid, info.entry.nr, arguments);
    if (call != nullptr) Describe(tid, *call);
    if (info.entry.nr == SYS_clone && (arguments[0] & CLONE_UNTRACED) != 0) {
      tracee->second.first_argument = arguments[0];
      SetFirstArgument(tid, arguments[0] & ~uint64_t{CLONE_UNTRACED});
    }
  } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
    builder_.OnExit(tracee->second.pid, info.exit.rval);
  }
}

void Tracer::OnEnd(Entry tracee) {
  const trace::Call* call = builder_.OpenCall(tracee->second.pid);
  if (call != nullptr && MakesTasks(call->number)) {
    // Killed between a birth and its report: the children that nobody claims are its own.
    for (auto other = tracees_.begin(); other != tracees_.end(); ++other) {
      if (!other->second.born) OnBirth(tracee, other->first);
    }
  }
  builder_.OnEnd(tracee->second.pid);
  tracees_.erase(tracee);
}

}  // namespace fv::native
