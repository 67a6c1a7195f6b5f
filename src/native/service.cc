// SPDX-License-Identifier: Apache-2.0
#include "src/native/service.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <utility>

namespace fv::native {
namespace {

using Clock = Launch::Clock;

// OK when the descriptor is ready.
absl::Status AwaitReady(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return absl::DeadlineExceededError("the native program does not answer");
    pollfd ready{fd, events, 0};
    if (poll(&ready, 1, static_cast<int>(std::min<int64_t>(left, INT_MAX))) > 0) {
      return absl::OkStatus();
    }
  }
}

absl::Status Gone() { return absl::UnavailableError("the native program has ended"); }

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> Service::Start(const NativeOptions& options) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ErrnoToStatus(errno, "socketpair");
  }
  std::unique_ptr<Service> service(new Service(options));
  service->stream_ = vmm::Fd(ends[0]);
  const vmm::Fd program_end(ends[1]);
  const vmm::Fd errors(open("/dev/null", O_WRONLY | O_CLOEXEC));
  absl::Status status = service->launch_.Start(
      {.in = program_end.get(), .out = program_end.get(), .err = errors.get()});
  if (!status.ok()) return status;
  std::optional<Clock::time_point> deadline;
  if (options.timeout_ns != 0) {
    deadline = Clock::now() + std::chrono::nanoseconds(options.timeout_ns);
  }
  absl::StatusOr<Launch::Event> event = service->launch_.Await(deadline);
  if (!event.ok()) return event.status();
  if (*event != Launch::Event::kReady) {
    return absl::DeadlineExceededError("the native program did not start");
  }
  service->launch_.GoOn();
  return service;
}

absl::Status Service::Send(std::string_view bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    const ssize_t sent =
        send(stream_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (sent < 0 && errno == EAGAIN) {
      absl::Status status = AwaitReady(stream_.get(), POLLOUT, deadline);
      if (!status.ok()) return status;
    } else if (sent == 0 || errno != EINTR) {
      return Gone();
    }
  }
  return absl::OkStatus();
}

absl::Status Service::Receive(void* to, size_t size, Clock::time_point deadline) {
  for (size_t done = 0; done < size;) {
    const ssize_t got =
        recv(stream_.get(), static_cast<char*>(to) + done, size - done, MSG_DONTWAIT);
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (got < 0 && errno == EAGAIN) {
      absl::Status status = AwaitReady(stream_.get(), POLLIN, deadline);
      if (!status.ok()) return status;
    } else if (got == 0 || errno != EINTR) {
      return Gone();
    }
  }
  return absl::OkStatus();
}

}  // namespace fv::native
