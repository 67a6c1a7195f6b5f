// SPDX-License-Identifier: Apache-2.0
//
// Waits until somebody has seen enough of what a command shows: SIGINT, SIGTERM or SIGHUP. From
// construction on such a signal is noted and does not end the process, but for the time in which a
// session has handlers of its own; so none is lost in between. One object at a time.
#pragma once

#include <csignal>
#include <utility>
#include <vector>

#include "vmm/fd.h"

namespace fv::cli {

class EndSignals {
 public:
  // What the parent ignores (nohup) stays ignored. Throws vmm::VmmError.
  EndSignals();
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // Returns when one has come.
  void Await() const;

 private:
  vmm::Fd came_;  // eventfd(2)
  std::vector<std::pair<int, struct sigaction>> saved_;
};

}  // namespace fv::cli
