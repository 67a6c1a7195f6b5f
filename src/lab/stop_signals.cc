// SPDX-License-Identifier: Apache-2.0
#include "src/lab/stop_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "vmm/error.h"

namespace fv::lab {
namespace {

// A blocked signal that is ignored stays pending (signal(7) leaves it open, Linux keeps it), so
// what the parent ignores is left out.
sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&set, number);
  }
  return set;
}

// Ends the process by the signal.
[[noreturn]] void DieBy(int number) {
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  raise(number);
  _exit(128 + number);
}

}  // namespace

StopSignals::StopSignals(std::function<void(int)> on_first)
    : on_first_(std::move(on_first)),
      taken_(StopSet()),
      former_(),
      signals_(signalfd(-1, &taken_, SFD_CLOEXEC)),
      end_(eventfd(0, EFD_CLOEXEC)) {
  if (!signals_.valid() || !end_.valid()) vmm::ThrowErrno("signalfd", errno);
  pthread_sigmask(SIG_BLOCK, &taken_, &former_);
  thread_ = std::thread([this] { Wait(); });
}

StopSignals::~StopSignals() {
  const uint64_t one = 1;
  (void)!write(end_.get(), &one, sizeof(one));
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

std::optional<int> StopSignals::stop() const {
  const int number = stop_;
  return number == 0 ? std::nullopt : std::optional<int>(number);
}

void StopSignals::Wait() {
  while (true) {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (fds[0].revents == 0 || read(signals_.get(), &info, sizeof(info)) != sizeof(info)) continue;
    const int number = static_cast<int>(info.ssi_signo);
    if (stop_ != 0) DieBy(number);
    stop_ = number;
    on_first_(number);
  }
}

}  // namespace fv::lab
