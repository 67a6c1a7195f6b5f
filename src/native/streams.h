// SPDX-License-Identifier: Apache-2.0
//
// The three standard streams of a program that runs: input fed from a string, output and errors
// caught, by a thread of their own, so that neither side can block the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "vmm/fd.h"

namespace fv::native {

// What is kept of one stream; the rest is counted.
inline constexpr uint64_t kMaxOutputBytes = uint64_t{64} << 20;

struct Output {
  std::string bytes;  // the beginning
  uint64_t total = 0;
  bool operator==(const Output&) const = default;
};

class Streams {
 public:
  struct ProgramEnds {
    vmm::Fd in, out, err;
  };

  // `input` must live as long as the object. Unavailable: no descriptors left.
  static absl::StatusOr<Streams> Open(std::string_view input);
  Streams(Streams&&) = default;
  Streams& operator=(Streams&&) = delete;
  ~Streams();

  // To be closed here (reset) once the program has them.
  ProgramEnds& program_ends() { return ends_; }
  // Begins to move bytes.
  void Start();
  // Ends when both outputs have been closed by all who hold them.
  void Join();

  Output& out() { return pump_->out; }
  Output& err() { return pump_->err; }

 private:
  // Owned by the thread between Start and Join.
  struct Pump {
    vmm::Fd in, out_fd, err_fd;
    std::string_view input;
    Output out, err;
    void Run();
  };

  Streams() = default;

  ProgramEnds ends_;
  std::unique_ptr<Pump> pump_;
  std::thread thread_;
};

// Both ends of a pipe, closed on exec.
struct PipeEnds {
  vmm::Fd read, write;
};
absl::StatusOr<PipeEnds> MakePipe();

}  // namespace fv::native
