// SPDX-License-Identifier: Apache-2.0
//
// FakeMachine: RAM, channel and the few hooks of arch and introspect that guest/mm needs, for
// hosted tests. RAM is an anonymous mapping at kKernelBase, so the kernel's address arithmetic is
// the real one. One per process: the kernel's caches are static. Also two views that tests compare:
// what is in use, and whether every count is explained.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "guest/mm/mm.h"
#include "proto/channel.h"

// Benchmarks ask for more.
#ifndef FV_FAKE_RAM_MIB
#define FV_FAKE_RAM_MIB 256
#endif

namespace fv::guest::testing {

struct FakeEvent {
  proto::EventKind kind;
  uint64_t a, b, c, d, e;
};

// What must be the same before and after.
struct Usage {
  std::array<uint64_t, 9> frames{};         // by FrameState, without slabs and free ones
  std::map<std::string, uint64_t> objects;  // active objects by cache
  bool operator==(const Usage&) const = default;
};
std::string ToString(const Usage& usage);

class FakeMachine {
 public:
  static constexpr uint64_t kRamBytes = uint64_t{FV_FAKE_RAM_MIB} << 20;

  // The one machine, made on first use.
  static FakeMachine& Get();

  // The `count`-th allocation from now fails; 0: none.
  void FailAllocation(uint64_t count) { fail_countdown_ = count; }
  // Whether an allocation failed since FailAllocation.
  bool failed() const { return failed_; }
  // Every event since the last clear().
  std::vector<FakeEvent>& events() { return events_; }
  uint64_t flushes() const { return flushes_; }

  // Spare page-table trees are given back first.
  Usage CurrentUsage() const;
  // The first broken invariant of frames and address spaces, or "". Walks everything.
  std::string CheckInvariants() const;

  // Hooks.
  bool FailNow();
  void Record(const FakeEvent& event) { events_.push_back(event); }
  void CountFlush() { ++flushes_; }
  proto::ChannelHeader& channel() { return channel_; }
  const proto::BootInfo& boot() const { return boot_; }

 private:
  FakeMachine();

  proto::ChannelHeader channel_{};
  proto::BootInfo boot_{};
  uint64_t fail_countdown_ = 0;
  bool failed_ = false;
  uint64_t flushes_ = 0;
  std::vector<FakeEvent> events_;
};

}  // namespace fv::guest::testing
