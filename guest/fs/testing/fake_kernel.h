// SPDX-License-Identifier: Apache-2.0
//
// FakeKernel: the caller that files see in hosted tests. Nothing can sleep: a wait that would block
// returns as if a signal had come (kErestartSys), so that a test sees it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "guest/fs/path.h"
#include "guest/lib/credentials.h"
#include "proto/channel.h"

namespace fv::guest::testing {

class FakeKernel {
 public:
  // Makes FakeMachine and, once a process, the root file system of `archive` with the console.
  static FakeKernel& Get();

  Credentials cred{};        // root with all capabilities at first
  std::vector<int> signals;  // sent to the current task
  std::deque<proto::CommandRecord> commands;
  std::string console_output;
  uint64_t realtime_ns = uint64_t{1'700'000'000} * 1'000'000'000;
  unsigned waits = 0;  // times somebody would have slept
  unsigned wakes = 0;

  void BecomeRoot();
  void BecomeUser(uint32_t uid);
};

// A fresh root file system a test process: what `archive` holds. Call once.
void MakeRoot(const std::vector<uint8_t>& archive);

}  // namespace fv::guest::testing
