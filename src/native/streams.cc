// SPDX-License-Identifier: Apache-2.0
#include "src/native/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fv::native {
namespace {

bool IsPassing(int error) { return error == EAGAIN || error == EINTR; }

// Takes what is there; closes at the end of the stream.
void Drain(vmm::Fd& from, Output& to) {
  std::array<char, 65536> buffer;
  const ssize_t got = read(from.get(), buffer.data(), buffer.size());
  if (got > 0) {
    const auto size = static_cast<uint64_t>(got);
    const uint64_t room = kMaxOutputBytes - to.bytes.size();
    to.bytes.append(buffer.data(), std::min(size, room));
    to.total += size;
  }
  if (got == 0 || (got < 0 && !IsPassing(errno))) from = vmm::Fd();
}

// A reader that has gone is its own business: SIGPIPE is blocked in this thread.
void Feed(vmm::Fd& to, std::string_view& left) {
  const ssize_t put = write(to.get(), left.data(), left.size());
  if (put > 0) left.remove_prefix(static_cast<size_t>(put));
  if (left.empty() || (put < 0 && !IsPassing(errno))) to = vmm::Fd();
}

}  // namespace

absl::StatusOr<PipeEnds> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return absl::UnavailableError(std::string("pipe2: ") + strerrordesc_np(errno));
  }
  return PipeEnds{.read = vmm::Fd(fds[0]), .write = vmm::Fd(fds[1])};
}

absl::StatusOr<Streams> Streams::Open(std::string_view input) {
  absl::StatusOr<PipeEnds> in = MakePipe();
  absl::StatusOr<PipeEnds> out = MakePipe();
  absl::StatusOr<PipeEnds> err = MakePipe();
  for (const auto* pipe : {&in, &out, &err}) {
    if (!pipe->ok()) return pipe->status();
  }
  Streams streams;
  streams.ends_ = {
      .in = std::move(in->read), .out = std::move(out->write), .err = std::move(err->write)};
  streams.pump_ = std::make_unique<Pump>();
  streams.pump_->in = std::move(in->write);
  streams.pump_->out_fd = std::move(out->read);
  streams.pump_->err_fd = std::move(err->read);
  streams.pump_->input = input;
  return streams;
}

Streams::~Streams() {
  if (!thread_.joinable()) return;
  ends_ = {};
  thread_.join();
}

void Streams::Start() {
  ends_ = {};
  thread_ = std::thread([pump = pump_.get()] { pump->Run(); });
}

void Streams::Join() {
  if (thread_.joinable()) thread_.join();
}

void Streams::Pump::Run() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  fcntl(in.get(), F_SETFL, O_NONBLOCK);
  if (input.empty()) in = vmm::Fd();
  while (out_fd.valid() || err_fd.valid()) {
    std::array<pollfd, 3> fds{
        {{out_fd.get(), POLLIN, 0}, {err_fd.get(), POLLIN, 0}, {in.get(), POLLOUT, 0}}};
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[0].revents != 0) Drain(out_fd, out);
    if (fds[1].revents != 0) Drain(err_fd, err);
    if (fds[2].revents != 0) Feed(in, input);
  }
  in = vmm::Fd();
}

}  // namespace fv::native
