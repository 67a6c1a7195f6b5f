// SPDX-License-Identifier: Apache-2.0
//
// The client's side: a listening socket on loopback, one client at a time, packets with their
// acknowledgements. A thread of its own watches for bytes while the guest runs, and kicks the
// machine; everything else happens on the guest's thread. A client that sends rubbish, nothing, or
// goes away in the middle of a packet harms nobody but itself.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "src/gdb/packet.h"
#include "vmm/fd.h"

namespace fv::gdb {

class Connection {
 public:
  // Listens at 127.0.0.1; port 0: any. `kick` is called on another thread when a client wants
  // something while nobody waits for it. Error: what bind(2) says.
  static absl::StatusOr<std::unique_ptr<Connection>> Listen(uint16_t port,
                                                            std::function<void()> kick);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  uint16_t port() const { return port_; }
  bool has_client() const { return client_.valid(); }

  // The guest is about to run: watch.
  void Watch();
  // `kick` was called since the last Watch.
  bool wanted() const { return wanted_; }

  enum class Wait { kNo, kYes };
  // Takes a waiting client, if there is none. False: nobody came, or `give_up` said so, which is
  // asked now and then while waiting.
  bool Accept(Wait wait, const std::function<bool()>& give_up);
  // What the client sent: packets (acknowledged), interrupts. nullopt: nothing (kNo), the client
  // has gone (has_client() is then false), or `give_up`.
  std::optional<Input> Receive(Wait wait, const std::function<bool()>& give_up);
  void Send(const std::string& data);
  // The packet before was the last to be acknowledged (QStartNoAckMode).
  void StopAcks() { acks_ = false; }
  void Close();

 private:
  Connection(vmm::Fd listener, vmm::Fd wake, uint16_t port, std::function<void()> kick);

  void WatchLoop();
  void SendRaw(const std::string& bytes);
  bool WaitReadable(int fd, Wait wait, const std::function<bool()>& give_up);
  std::optional<Input> TakeInput();

  const vmm::Fd listener_;
  const vmm::Fd wake_;  // eventfd(2): the watcher looks at its orders again
  const uint16_t port_;
  const std::function<void()> kick_;

  vmm::Fd client_;
  PacketReader reader_;
  bool acks_ = true;
  std::string last_sent_;

  std::atomic<bool> wanted_ = false;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  int watched_ = -1;  // descriptor to wait for; -1: none
  bool ending_ = false;

  std::thread thread_;
};

}  // namespace fv::gdb
