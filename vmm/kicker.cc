// SPDX-License-Identifier: Apache-2.0
//
// timer_create(2) with SIGEV_THREAD_ID, tgkill(2), one signal handler.
#include "vmm/kicker.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "vmm/error.h"

namespace fv::vmm {
namespace {

// The Kicker that is armed for this thread; written with the signal handler in mind.
thread_local std::atomic<Kicker*> armed_kicker = nullptr;

constexpr uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

int KickSignal() { return SIGRTMIN + 3; }

Kicker::~Kicker() { Disarm(); }

void Kicker::InstallHandler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = &Kicker::OnSignal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (::sigaction(KickSignal(), &action, nullptr) != 0) ThrowErrno("sigaction", errno);
  });
}

void Kicker::OnSignal(int, siginfo_t* info, void*) {
  Kicker* kicker = armed_kicker.load(std::memory_order_acquire);
  if (kicker == nullptr) return;
  if (info->si_code == SI_TIMER) kicker->timer_fired_.store(true, std::memory_order_release);
  kicker->vcpu_.RequestExit();
}

void Kicker::Arm(uint64_t period_ns) {
  Disarm();
  InstallHandler();
  const int thread_id = ::gettid();
  struct sigevent event {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = KickSignal();
  event._sigev_un._tid = thread_id;
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) ThrowErrno("timer_create", errno);
  armed_kicker.store(this, std::memory_order_release);
  thread_id_.store(thread_id, std::memory_order_release);
  period_ns_ = period_ns;
  SetPeriod(period_ns_);
}

void Kicker::Disarm() {
  if (thread_id_.load(std::memory_order_acquire) == 0) return;
  thread_id_.store(0, std::memory_order_release);
  ::timer_delete(timer_);
  armed_kicker.store(nullptr, std::memory_order_release);
}

void Kicker::Pause() {
  if (thread_id_.load(std::memory_order_acquire) != 0) SetPeriod(0);
}

void Kicker::Resume() {
  if (thread_id_.load(std::memory_order_acquire) != 0) SetPeriod(period_ns_);
}

void Kicker::SetPeriod(uint64_t period_ns) {
  itimerspec spec{};
  spec.it_interval.tv_sec = static_cast<time_t>(period_ns / kNsPerSecond);
  spec.it_interval.tv_nsec = static_cast<long>(period_ns % kNsPerSecond);
  spec.it_value = spec.it_interval;
  if (::timer_settime(timer_, 0, &spec, nullptr) != 0) ThrowErrno("timer_settime", errno);
}

void Kicker::Kick() {
  const int saved_errno = errno;
  vcpu_.RequestExit();
  const int thread_id = thread_id_.load(std::memory_order_acquire);
  if (thread_id != 0) ::syscall(SYS_tgkill, ::getpid(), thread_id, KickSignal());
  errno = saved_errno;
}

}  // namespace fv::vmm
