// SPDX-License-Identifier: Apache-2.0
//
// The host as a benchmark needs it: who it is, one CPU for both sides, files in memory.
#pragma once

#include <sched.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/bench/results.h"
#include "vmm/fd.h"

namespace fv::bench {

// CPU, kernel, load, date: what /proc and uname(2) say. The rest of the context is the caller's.
Context HostContext();

// All of a file; empty if it cannot be read.
std::string ReadText(const char* path);

// Value of a key in the text of /proc/cpuinfo or /proc/meminfo ("" if it is not there).
std::string ProcValue(const std::string& text, const std::string& key);

// Bytes of memory that the host can give without swapping (MemAvailable); 0 if unknown.
uint64_t AvailableMemory();

// Bytes of memory that this process has written and shares with nobody; 0 if unknown.
uint64_t PrivateBytes();

// Keeps this thread, and the processes that it starts, on one CPU: the last one that it may use.
class PinnedCpu {
 public:
  PinnedCpu();
  ~PinnedCpu();
  PinnedCpu(const PinnedCpu&) = delete;
  PinnedCpu& operator=(const PinnedCpu&) = delete;
  int cpu() const { return cpu_; }  // -1: could not be pinned

 private:
  cpu_set_t former_;
  int cpu_ = -1;
};

// An executable file in a directory of its own, both removed with the object.
class TemporaryProgram {
 public:
  // Throws std::system_error.
  TemporaryProgram(const std::string& name, std::span<const uint8_t> bytes);
  ~TemporaryProgram();
  TemporaryProgram(const TemporaryProgram&) = delete;
  TemporaryProgram& operator=(const TemporaryProgram&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryProgram(const std::string& name);  // the directory alone

  std::string directory_;
  std::string path_;
};

// A file without a name, and all that was written to it. Throws vmm::VmmError, std::system_error.
vmm::Fd MemoryFile();
std::string ReadAll(int fd);

// Runs a program natively on this thread's CPU and returns its standard output. Internal if it
// cannot be started or does not end with status 0.
absl::StatusOr<std::string> RunNative(const std::string& path,
                                      const std::vector<std::string>& arguments);

}  // namespace fv::bench
