// SPDX-License-Identifier: Apache-2.0
#include "src/native/launch.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "src/native/control.h"
#include "src/native/supervisor.h"
#include "src/native/users.h"

namespace fv::native {

absl::Status Launch::Start(const ProgramStreams& streams) {
  absl::StatusOr<ControlPair> control = MakeControl();
  if (!control.ok()) return control.status();
  const HelperDescriptors descriptors{
      .in = streams.in, .out = streams.out, .err = streams.err, .control = control->helper.get()};
  helper_ = fork();
  if (helper_ < 0) return absl::UnavailableError("fork: no more processes");
  if (helper_ == 0) _exit(RunHelper(options_, descriptors));
  control_ = std::move(control->caller);
  return absl::OkStatus();
}

absl::StatusOr<Launch::Event> Launch::Await(std::optional<Clock::time_point> deadline) {
  for (;;) {
    if (!AwaitMessage(deadline)) return Event::kTimedOut;
    const std::optional<Received> received = Receive(control_.get());
    if (!received) return absl::InternalError("the native run's supervisor went away");
    const Message& message = received->message;
    switch (message.kind) {
      case Message::Kind::kFailed:
        return absl::ErrnoToStatus(message.error, message.what);
      case Message::Kind::kNoUsers:
        return UserNamespaceRefused(geteuid(), message.error);
      case Message::Kind::kEnded:
        wait_status_ = message.wait_status;
        return Event::kEnded;
      case Message::Kind::kUnshared: {
        const absl::Status status = MapUsers(received->sender);
        if (!status.ok()) return status;
        GoOn();
        break;
      }
      case Message::Kind::kReady:
        program_ = received->sender;
        return Event::kReady;
      case Message::Kind::kGoOn:
        break;
    }
  }
}

// False when the time is over.
bool Launch::AwaitMessage(std::optional<Clock::time_point> deadline) {
  for (;;) {
    int wait_ms = -1;
    if (deadline) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      if (left <= 0) return false;
      wait_ms = static_cast<int>(std::min<int64_t>(left, INT_MAX));
    }
    pollfd fd{control_.get(), POLLIN, 0};
    if (poll(&fd, 1, wait_ms) > 0) return true;
  }
}

void Launch::GoOn() { (void)SendKind(control_.get(), Message::Kind::kGoOn); }

void Launch::End() {
  control_ = vmm::Fd();
  if (helper_ <= 0) return;
  while (waitpid(helper_, nullptr, 0) < 0 && errno == EINTR) {
  }
  helper_ = -1;
}

}  // namespace fv::native
