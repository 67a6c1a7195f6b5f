// SPDX-License-Identifier: Apache-2.0
//
// Runs one process to its end and catches what it wrote: stdout and stderr through pipes, standard
// input from a string, a clean environment, a process group of its own that is killed as a whole
// when the time is over. Descriptors above 2 are closed in the process.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace fv::tests {

struct ProcessOptions {
  std::vector<std::string> argv;         // argv[0] is the path too
  std::vector<std::string> environment;  // NAME=VALUE, nothing else is inherited
  std::string cwd;
  std::string input;  // standard input, then end of file
  std::chrono::seconds timeout{60};
};

struct ProcessResult {
  int status = -1;  // exit code, or 128 + signal
  bool timed_out = false;
  std::string out;
  std::string err;
};

// Throws std::system_error when the process cannot be started.
ProcessResult RunProcess(const ProcessOptions& options);

// A fresh directory below TMPDIR or /tmp, removed with its contents at the end.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fv::tests
