// SPDX-License-Identifier: Apache-2.0
#include "src/cli/end_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "vmm/error.h"

namespace fv::cli {
namespace {

std::atomic<int> g_came = -1;  // the object's eventfd

void OnSignal(int) {
  const int saved = errno;
  const uint64_t one = 1;
  (void)!::write(g_came, &one, sizeof(one));
  errno = saved;
}

}  // namespace

EndSignals::EndSignals() : came_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!came_.valid()) vmm::ThrowErrno("eventfd", errno);
  g_came = came_.get();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction former {};
    ::sigaction(number, nullptr, &former);
    if (former.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    ::sigfillset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
    saved_.emplace_back(number, former);
  }
}

EndSignals::~EndSignals() {
  for (const auto& [number, action] : saved_) ::sigaction(number, &action, nullptr);
  g_came = -1;
}

void EndSignals::Await() const {
  pollfd came = {came_.get(), POLLIN, 0};
  while (::poll(&came, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace fv::cli
