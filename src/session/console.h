// SPDX-License-Identifier: Apache-2.0
//
// Console output: pieces from the guest's ring, joined and written to the host's descriptors in
// the order in which the guest made them. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/channel.h"

namespace fv::session {

enum class WriteEnd { kDone, kClosed, kFailed, kGivenUp };

// All of `bytes` to `fd`: partial writes, EINTR and non-blocking descriptors handled. kClosed when
// nobody reads any more (EPIPE); SIGPIPE must be ignored. While there is no room `give_up`, if it
// is one, is asked now and then and after each signal; true: kGivenUp.
WriteEnd WriteAll(int fd, std::string_view bytes, const std::function<bool()>& give_up = nullptr);

class Console {
 public:
  struct Fds {
    int out = 1;
    int err = 2;
  };
  // `log` gets each line of the kernel's own log, without its newline. `give_up`: as of WriteAll.
  Console(Fds fds, std::function<void(std::string_view)> log,
          std::function<bool()> give_up = nullptr)
      : fds_(fds), log_(std::move(log)), give_up_(std::move(give_up)) {}

  // Takes a piece as the guest wrote it. A length beyond the record is cut.
  void Add(const proto::ConsoleRecord& record);
  // Writes what has been taken. After a failure, or having given up, output is dropped.
  void Flush();

  // Nobody reads the output any more: the run has no use.
  bool closed() const { return end_ == WriteEnd::kClosed; }
  bool gave_up() const { return end_ == WriteEnd::kGivenUp; }
  // What cannot be written, and why; empty: nothing.
  const std::string& failure() const { return failure_; }
  uint64_t bytes_written() const { return bytes_written_; }

 private:
  void AddLog(std::string_view bytes);

  Fds fds_;
  std::function<void(std::string_view)> log_;
  std::function<bool()> give_up_;
  proto::ConsoleStream stream_ = proto::ConsoleStream::kStdout;  // of pending_
  std::string pending_;
  std::string log_line_;
  WriteEnd end_ = WriteEnd::kDone;
  std::string failure_;
  uint64_t bytes_written_ = 0;
};

}  // namespace fv::session
