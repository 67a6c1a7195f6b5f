// SPDX-License-Identifier: Apache-2.0
//
// Joins console records and writes them.
#include "src/session/console.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace fv::session {
namespace {

// Joined pieces are written out at this size, in bytes.
constexpr size_t kFlushBytes = size_t{64} * 1024;
constexpr size_t kMaxLogLine = 1024;
constexpr int kAskAgainMs = 100;

}  // namespace

WriteEnd WriteAll(int fd, std::string_view bytes, const std::function<bool()>& give_up) {
  while (!bytes.empty()) {
    pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
    // Of no descriptor poll(2) says nothing, and write(2) what is wrong.
    const int ready = fd < 0 ? 1 : poll(&room, 1, kAskAgainMs);
    if (ready < 0 && errno != EINTR) return WriteEnd::kFailed;
    if (ready <= 0) {
      if (give_up && give_up()) return WriteEnd::kGivenUp;
      continue;
    }
    // A pipe with room takes so much without a wait (pipe(7)).
    const ssize_t written = write(fd, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (errno == EPIPE) return WriteEnd::kClosed;
    if (errno != EAGAIN && errno != EINTR) return WriteEnd::kFailed;
  }
  return WriteEnd::kDone;
}

void Console::Add(const proto::ConsoleRecord& record) {
  const size_t length = std::min<size_t>(record.length, sizeof(record.data));
  const std::string_view bytes(reinterpret_cast<const char*>(record.data), length);
  if (record.stream == proto::ConsoleStream::kKernelLog) {
    AddLog(bytes);
    return;
  }
  if (record.stream != stream_ || pending_.size() + length > kFlushBytes) Flush();
  stream_ = record.stream;
  pending_ += bytes;
}

void Console::AddLog(std::string_view bytes) {
  for (char c : bytes) {
    if (c != '\n') log_line_ += c;
    if (c != '\n' && log_line_.size() < kMaxLogLine) continue;
    if (log_) log_(log_line_);
    log_line_.clear();
  }
}

void Console::Flush() {
  if (pending_.empty()) return;
  if (end_ == WriteEnd::kDone) {
    const bool out = stream_ == proto::ConsoleStream::kStdout;
    end_ = WriteAll(out ? fds_.out : fds_.err, pending_, give_up_);
    if (end_ == WriteEnd::kFailed) {
      failure_ = std::string(out ? "standard output: " : "standard error: ") + std::strerror(errno);
    }
    bytes_written_ += pending_.size();
  }
  pending_.clear();
}

}  // namespace fv::session
