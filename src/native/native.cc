// SPDX-License-Identifier: Apache-2.0
#include "src/native/native.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "src/native/launch.h"
#include "src/native/tracer.h"

namespace fv::native {
namespace {

// For a program that must not run where it could leave files.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::error_code error;
    const std::filesystem::path top = std::filesystem::temp_directory_path(error);
    if (error) return;
    path_ = (top / "forkvisorXXXXXX").string();
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

class Run {
 public:
  explicit Run(const NativeOptions& options) : options_(options), launch_(options) {}
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
      deadline_ = Launch::Clock::now() + std::chrono::nanoseconds(options_.timeout_ns);
    }
    absl::StatusOr<Streams> streams = Streams::Open(options_.input);
    if (!streams.ok()) return streams.status();
    const Streams::ProgramEnds& ends = streams->program_ends();
    absl::Status status =
        launch_.Start({.in = ends.in.get(), .out = ends.out.get(), .err = ends.err.get()});
    if (!status.ok()) return status;
    streams_.emplace(*std::move(streams));
    streams_->Start();
    return absl::OkStatus();
  }

  // Until the program has ended or its time is over.
  absl::Status Watch() {
    for (;;) {
      const absl::StatusOr<Launch::Event> event = launch_.Await(deadline_);
      if (!event.ok()) return event.status();
      switch (*event) {
        case Launch::Event::kReady: {
          const bool record = options_.calls == NativeOptions::Calls::kRecord;
          absl::Status status = record ? Trace(launch_.program()) : absl::OkStatus();
          if (!status.ok()) return status;
          launch_.GoOn();
          break;
        }
        case Launch::Event::kEnded:
          result_.wait_status = launch_.wait_status();
          return absl::OkStatus();
        case Launch::Event::kTimedOut:
          result_.timed_out = true;
          return absl::OkStatus();
      }
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

  void End() {
    launch_.End();
    if (tracer_.joinable()) tracer_.join();
    if (streams_) streams_->Join();
  }

  const NativeOptions& options_;
  NativeResult result_;
  std::optional<Launch::Clock::time_point> deadline_;
  std::optional<Streams> streams_;
  Launch launch_;
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
