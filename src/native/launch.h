// SPDX-License-Identifier: Apache-2.0
//
// A program that was started as native.h says, from the caller's side: the helper process and the
// socket to it. At the end of the object nothing of the program is left.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/native/native.h"
#include "vmm/fd.h"

namespace fv::native {

struct ProgramStreams {
  int in;
  int out;
  int err;
};

class Launch {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Event : uint8_t {
    kReady,     // the program stands before its exec and waits for GoOn
    kEnded,     // with wait_status()
    kTimedOut,  // the deadline is over
  };

  // `options` must live as long as the object.
  explicit Launch(const NativeOptions& options) : options_(options) {}
  ~Launch() { End(); }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  // The program gets copies of the streams.
  absl::Status Start(const ProgramStreams& streams);
  // Errors as RunNative.
  absl::StatusOr<Event> Await(std::optional<Clock::time_point> deadline);
  void GoOn();
  // Everything that runs for this object ends: the supervisor sees that the caller has gone.
  void End();

  pid_t program() const { return program_; }  // after kReady
  int wait_status() const { return wait_status_; }

 private:
  bool AwaitMessage(std::optional<Clock::time_point> deadline);

  const NativeOptions& options_;
  vmm::Fd control_;
  pid_t helper_ = -1;
  pid_t program_ = -1;
  int wait_status_ = 0;
};

}  // namespace fv::native
