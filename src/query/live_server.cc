// SPDX-License-Identifier: Apache-2.0
#include "src/query/live_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "src/query/stop_at.h"
#include "vmm/error.h"

namespace fv::query {
namespace {

using vmm::Fd;

// Between two kicks, while a question waits.
constexpr auto kPatience = std::chrono::milliseconds(1);
// Moments in the middle of the kernel that are let pass.
constexpr unsigned kMostRefused = 200;
constexpr timeval kClientTimeout = {.tv_sec = 5, .tv_usec = 0};

bool IsServed(const Fd& client) {
  ucred peer{};
  socklen_t bytes = sizeof(peer);
  return ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

// Signals belong to the guest's thread.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LiveServer>> LiveServer::Start(vmm::MachineInterface& machine,
                                                              const std::string& path,
                                                              LiveAnswers answers) {
  absl::StatusOr<Fd> listener = ListenAt(path);
  if (!listener.ok()) return listener.status();
  Fd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) vmm::ThrowErrno("eventfd", errno);
  return std::unique_ptr<LiveServer>(
      new LiveServer(machine, path, *std::move(listener), std::move(stop), std::move(answers)));
}

LiveServer::LiveServer(vmm::MachineInterface& machine, std::string path, Fd listener, Fd stop,
                       LiveAnswers answers)
    : machine_(machine),
      path_(std::move(path)),
      listener_(std::move(listener)),
      stop_(std::move(stop)),
      answers_(std::move(answers)),
      thread_([this] { Serve(); }) {}

LiveServer::~LiveServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  const uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  thread_.join();
  ::unlink(path_.c_str());
}

vmm::Next LiveServer::OnSafepoint(proto::SafepointKind) {
  AnswerPending(Whole::kYes);
  return vmm::Next::kContinue;
}

vmm::Next LiveServer::OnPause(session::Pause pause) {
  const std::optional<bool> in_kernel =
      pause == session::Pause::kIdle ? std::optional(false) : machine_.InKernelCode();
  if (in_kernel.value_or(false)) {
    const std::lock_guard lock(mutex_);
    if (question_ != nullptr && ++refused_moments_ < kMostRefused) {
      return vmm::Next::kContinue;
    }
  }
  AnswerPending(in_kernel == false ? Whole::kYes : Whole::kUnknown);
  return vmm::Next::kContinue;
}

void LiveServer::AnswerPending(Whole whole) {
  const std::lock_guard lock(mutex_);
  if (question_ == nullptr) return;
  absl::StatusOr<Moment> moment = TakeMomentOf(machine_, Keep::kLive);
  if (moment.ok()) {
    moment->strategies = answers_.strategies;
    answer_ = file_ == kNoFile ? Ask(*moment, *question_)
                               : answers_.ask_for_file(&*moment, *question_, file_);
    if (answer_->ok() && whole == Whole::kUnknown) {
      (**answer_).notes.emplace_back("taken while the guest's kernel may have been at work");
    }
  } else {
    answer_ = moment.status();
  }
  question_ = nullptr;
  changed_.notify_all();
}

void LiveServer::Serve() {
  BlockSignals();
  while (true) {
    pollfd fds[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client.valid()) ServeClient(client);
  }
}

void LiveServer::ServeClient(const Fd& client) {
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &kClientTimeout, sizeof(kClientTimeout));
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kClientTimeout, sizeof(kClientTimeout));
  if (!IsServed(client)) return;
  const Received received = ReceiveRequest(client.get());
  // Whether the client takes the answer is its affair.
  if (!received.bytes.empty()) (void)SendAll(client.get(), AnswerTo(received));
}

std::string LiveServer::AnswerTo(const Received& received) {
  const auto refuse = [](const absl::Status& status) {
    return kRefused + std::string(status.message());
  };
  absl::StatusOr<Request> request = ParseRequest(received.bytes);
  if (!request.ok()) return refuse(request.status());
  const bool for_file = received.file.valid() && answers_.ask_for_file != nullptr;
  const absl::Status possible =
      for_file ? answers_.ask_for_file(nullptr, request->words, kNoFile).status()
               : CheckQuestion(request->words);
  if (!possible.ok()) return refuse(possible);

  std::unique_lock lock(mutex_);
  question_ = &request->words;
  file_ = for_file ? received.file.get() : kNoFile;
  refused_moments_ = 0;
  while (question_ != nullptr && !stopping_) {
    machine_.Kick();
    changed_.wait_for(lock, kPatience);
  }
  question_ = nullptr;
  if (!answer_) return {};  // the guest has ended
  const absl::StatusOr<Answer> answer = *std::exchange(answer_, std::nullopt);
  lock.unlock();
  if (!answer.ok()) return refuse(answer.status());
  return kAnswered + FormatAnswer(*answer, request->format);
}

}  // namespace fv::query
