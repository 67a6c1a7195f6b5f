// SPDX-License-Identifier: Apache-2.0
//
// QEMU as a child process: started with what it shares with us, killed with us and with this
// object. It runs in a process group of its own, so keys of the terminal do not reach it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "vmm/fd.h"

namespace fv::vmm::qemu {

// The descriptors that QEMU finds open, named in its arguments as /proc/self/fd/N.
inline constexpr int kMemoryFd = 3;
inline constexpr int kFirmwareFd = 4;
inline constexpr int kBellFd = 5;

class QemuProcess {
 public:
  // Starts `argv` (argv[0] is looked up in PATH) with the two files open. Throws VmmError. That
  // the program is not there shows as an early end without output.
  QemuProcess(const std::vector<std::string>& argv, int memory_fd, int firmware_fd);
  ~QemuProcess();
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;

  // Readable when the guest has rung, and at the end of the process.
  int bell_fd() const { return bell_.get(); }
  // Takes in bytes of the bell: a piece of them, so that a guest that never stops ringing keeps
  // nobody here. False when the process has ended.
  bool EmptyBell();

  // Stops all threads of the process (SIGSTOP); returns when they stand. Thaw lets them go on.
  // Both do nothing if it is so already.
  void Freeze();
  void Thaw();

  // What the process wrote to its standard output and error, at most the last few KiB.
  std::string output() const;

 private:
  Fd bell_;
  Fd log_;
  pid_t pid_ = -1;
  bool frozen_ = false;
};

}  // namespace fv::vmm::qemu
