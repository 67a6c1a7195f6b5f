// SPDX-License-Identifier: Apache-2.0
#include "src/native/native.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/native/control.h"
#include "src/native/supervisor.h"
#include "src/native/tracer.h"
#include "src/native/users.h"

namespace fv::native {
namespace {

using Clock = std::chrono::steady_clock;

// For a program that must not run where it could leave files.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::error_code error;
    path_ = (std::filesystem::temp_directory_path(error) / "forkvisorXXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

absl::Status StatusOf(const Message& message) {
  return absl::ErrnoToStatus(message.error, message.what);
}

class Run {
 public:
  explicit Run(const NativeOptions& options) : options_(options) {}
  ~Run() { End(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  absl::StatusOr<NativeResult> Execute() {
    absl::Status status = Start();
    if (status.ok()) status = Watch();
    End();
    if (!status.ok()) return status;
    result_.out = std::move(streams_->out());
    result_.err = std::move(streams_->err());
    return std::move(result_);
  }

 private:
  absl::Status Start() {
    if (options_.timeout_ns != 0) {
      deadline_ = Clock::now() + std::chrono::nanoseconds(options_.timeout_ns);
    }
    absl::StatusOr<Streams> streams = Streams::Open(options_.input);
    if (!streams.ok()) return streams.status();
    absl::StatusOr<ControlPair> control = MakeControl();
    if (!control.ok()) return control.status();
    const Streams::ProgramEnds& ends = streams->program_ends();
    const HelperDescriptors descriptors{.in = ends.in.get(),
                                        .out = ends.out.get(),
                                        .err = ends.err.get(),
                                        .control = control->helper.get()};
    helper_ = fork();
    if (helper_ < 0) return absl::UnavailableError("fork: no more processes");
    if (helper_ == 0) _exit(RunHelper(options_, descriptors));
    control_ = std::move(control->caller);
    streams_.emplace(*std::move(streams));
    streams_->Start();
    return absl::OkStatus();
  }

  // Answers until the program has ended or its time is over.
  absl::Status Watch() {
    for (;;) {
      if (!AwaitMessage()) {
        result_.timed_out = true;
        return absl::OkStatus();
      }
      const std::optional<Received> received = Receive(control_.get());
      if (!received) return absl::InternalError("the native run's supervisor went away");
      absl::Status status = absl::OkStatus();
      switch (received->message.kind) {
        case Message::Kind::kFailed:
          return StatusOf(received->message);
        case Message::Kind::kNoUsers:
          return UserNamespaceRefused(geteuid(), received->message.error);
        case Message::Kind::kEnded:
          result_.wait_status = received->message.wait_status;
          return absl::OkStatus();
        case Message::Kind::kUnshared:
          status = MapUsers(received->sender);
          break;
        case Message::Kind::kReady:
          if (options_.calls == NativeOptions::Calls::kRecord) status = Trace(received->sender);
          break;
        case Message::Kind::kGoOn:
          break;
      }
      if (!status.ok()) return status;
      (void)SendKind(control_.get(), Message::Kind::kGoOn);
    }
  }

  // False when the time is over.
  bool AwaitMessage() {
    for (;;) {
      int wait_ms = -1;
      if (deadline_) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now()).count();
        if (left <= 0) return false;
        wait_ms = static_cast<int>(std::min<int64_t>(left, INT_MAX));
      }
      pollfd fd{control_.get(), POLLIN, 0};
      if (poll(&fd, 1, wait_ms) > 0) return true;
    }
  }

  absl::Status Trace(pid_t program) {
    std::promise<absl::Status> attached;
    std::future<absl::Status> answer = attached.get_future();
    tracer_ = std::thread([this, program, attached = std::move(attached)]() mutable {
      Tracer tracer;
      const absl::Status status = tracer.Attach(program);
      attached.set_value(status);
      if (status.ok()) result_.trace = tracer.Run();
    });
    return answer.get();
  }

  // Everything that runs for this object ends: the supervisor sees that the caller has gone.
  void End() {
    control_ = vmm::Fd();
    if (helper_ > 0) {
      while (waitpid(helper_, nullptr, 0) < 0 && errno == EINTR) {
      }
      helper_ = -1;
    }
    if (tracer_.joinable()) tracer_.join();
    if (streams_) streams_->Join();
  }

  const NativeOptions& options_;
  NativeResult result_;
  std::optional<Clock::time_point> deadline_;
  std::optional<Streams> streams_;
  vmm::Fd control_;
  pid_t helper_ = -1;
  std::thread tracer_;
};

}  // namespace

absl::StatusOr<NativeResult> RunNative(const NativeOptions& options) {
  if (options.root == NativeOptions::Root::kPrivate) return Run(options).Execute();
  const TemporaryDirectory directory;
  if (directory.path().empty()) return absl::UnavailableError("no temporary directory");
  NativeOptions with_directory = options;
  with_directory.cwd = directory.path();
  return Run(with_directory).Execute();
}

}  // namespace fv::native
