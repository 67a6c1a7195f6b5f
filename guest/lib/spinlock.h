// SPDX-License-Identifier: Apache-2.0
//
// Spinlock: names the lock that protects a structure. Kernel code runs with interrupts off on one
// vCPU, so nobody can hold it when it is taken: taking it twice is a bug of the kernel and panics.
// With a second vCPU only this file changes.
#pragma once

#include "guest/lib/print.h"

namespace fv::guest {

class Spinlock {
 public:
  constexpr Spinlock() = default;
  Spinlock(const Spinlock&) = delete;
  Spinlock& operator=(const Spinlock&) = delete;

  void Lock() {
    FV_CHECK(!held_);
    held_ = true;
  }
  void Unlock() {
    FV_CHECK(held_);
    held_ = false;
  }
  bool held() const { return held_; }

 private:
  bool held_ = false;
};

// Holds a Spinlock for a scope. Nothing in the scope may block.
class [[nodiscard]] SpinlockGuard {
 public:
  explicit SpinlockGuard(Spinlock& lock) : lock_(lock) { lock_.Lock(); }
  SpinlockGuard(const SpinlockGuard&) = delete;
  SpinlockGuard& operator=(const SpinlockGuard&) = delete;
  ~SpinlockGuard() { lock_.Unlock(); }

 private:
  Spinlock& lock_;
};

}  // namespace fv::guest
