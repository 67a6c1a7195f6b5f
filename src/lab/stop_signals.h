// SPDX-License-Identifier: Apache-2.0
//
// Lets a long experiment end in order: from construction to destruction SIGINT, SIGTERM and SIGHUP
// are taken by a thread of this object, which notes the first one; the second ends the process as
// if nobody had taken it. The signals are blocked in the thread that constructs it, and so in those
// and in the processes that it starts: what is being measured is not disturbed. One object at a
// time; construct it before other threads are there.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "vmm/fd.h"

namespace fv::lab {

class StopSignals {
 public:
  // `on_first` is called with the signal, on the other thread. Throws vmm::VmmError.
  explicit StopSignals(std::function<void(int)> on_first);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // The first signal that came.
  std::optional<int> stop() const;

 private:
  void Wait();

  const std::function<void(int)> on_first_;
  sigset_t taken_;   // without those that the parent ignores (nohup)
  sigset_t former_;  // mask of the constructing thread
  vmm::Fd signals_;  // signalfd(2)
  vmm::Fd end_;      // eventfd(2)
  std::atomic<int> stop_ = 0;
  std::thread thread_;
};

}  // namespace fv::lab
