// SPDX-License-Identifier: Apache-2.0
//
// A program that answers one request after the other on its standard input and output, started as
// native.h says. What namespaces and a root cost is paid once.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/native/launch.h"
#include "src/native/native.h"
#include "vmm/fd.h"

namespace fv::native {

class Service {
 public:
  // `options` (without input and calls; the timeout is for the start) must live as long as the
  // object. Errors as RunNative.
  static absl::StatusOr<std::unique_ptr<Service>> Start(const NativeOptions& options);

  // After an error the program is in no known state: only destruction is of use. DeadlineExceeded:
  // the time was over; Unavailable: the program has ended.
  absl::Status Send(std::string_view bytes, Launch::Clock::time_point deadline);
  absl::Status Receive(void* to, size_t size, Launch::Clock::time_point deadline);

 private:
  explicit Service(const NativeOptions& options) : launch_(options) {}

  Launch launch_;
  vmm::Fd stream_;
};

}  // namespace fv::native
