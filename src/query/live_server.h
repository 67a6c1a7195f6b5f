// SPDX-License-Identifier: Apache-2.0
//
// Answers questions about a running guest at a socket (socket.h). A thread waits for clients; the
// guest's own thread takes the moment and answers, while the guest stands still, so that a client
// sees one state. It waits for a moment at which the kernel is not in the middle of a change, and
// says so if none came. Clients that are slow or silent hold nobody up but themselves.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "src/query/socket.h"
#include "src/session/session.h"
#include "vmm/fd.h"

namespace fv::query {

struct LiveAnswers {
  std::vector<std::string> strategies;  // for Moment::strategies
  // Of a question that comes with a file, which the answer is written into. Without a moment: only
  // checks the words. Null: there are none.
  absl::StatusOr<Answer> (*ask_for_file)(const Moment* moment, const Words& words,
                                         int fd) = nullptr;
};

class LiveServer final : public session::Observer {
 public:
  // Listens from now on; the socket's file goes with the server. `machine` outlives it.
  // Errors: as ListenAt.
  static absl::StatusOr<std::unique_ptr<LiveServer>> Start(vmm::MachineInterface& machine,
                                                           const std::string& path,
                                                           LiveAnswers answers);
  ~LiveServer() override;
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;

  // ---- On the guest's thread ----
  void OnEvent(const proto::EventRecord& event) override { (void)event; }
  vmm::Next OnSafepoint(proto::SafepointKind kind) override;
  vmm::Next OnPause(session::Pause pause) override;

 private:
  LiveServer(vmm::MachineInterface& machine, std::string path, vmm::Fd listener, vmm::Fd stop,
             LiveAnswers answers);

  enum class Whole { kYes, kUnknown };
  void AnswerPending(Whole whole);

  // ---- On the server's thread ----
  void Serve();
  void ServeClient(const vmm::Fd& client);
  std::string AnswerTo(const Received& received);

  vmm::MachineInterface& machine_;
  const std::string path_;
  const vmm::Fd listener_;
  const vmm::Fd stop_;  // eventfd(2)
  const LiveAnswers answers_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  const Words* question_ = nullptr;  // waits for an answer
  int file_ = kNoFile;               // that it is for
  std::optional<absl::StatusOr<Answer>> answer_;
  unsigned refused_moments_ = 0;  // for the question that waits

  std::thread thread_;
};

}  // namespace fv::query
