// SPDX-License-Identifier: Apache-2.0
//
// A connection to a server on loopback, for tests.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "vmm/fd.h"

namespace fv::view::testing {

class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  }
  void Send(const std::string& text) {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // Until `what` has come, or the server closes.
  std::string ReceiveUntil(const std::string& what) {
    while (received_.find(what) == std::string::npos) {
      char piece[65536];
      const ssize_t got = ::recv(socket_.get(), piece, sizeof(piece), 0);
      if (got <= 0) break;
      received_.append(piece, static_cast<size_t>(got));
    }
    return received_;
  }
  std::string ReceiveAll() { return ReceiveUntil(std::string(1, '\0') + "never"); }

 private:
  vmm::Fd socket_;
  std::string received_;
};

}  // namespace fv::view::testing
