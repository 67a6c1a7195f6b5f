// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests that look at a synthetic guest as it is now, and at a damaged one.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "src/oracle/testing/sample_guest.h"
#include "src/query/moment.h"

namespace fv::query::testing {

class SampleMomentTest : public ::testing::Test {
 protected:
  GuestRam Ram() {
    constexpr uint64_t kChannelGpa = oracle::testing::kTestChannelGpa;
    return {sample_.guest.memory(), kChannelGpa, sample_.guest.ram_bytes() - kChannelGpa};
  }
  // Fails the test if the guest, which it may have damaged, cannot be read.
  Moment Now(Keep keep = Keep::kLive) {
    absl::StatusOr<Moment> moment = TakeMoment(Ram(), keep);
    EXPECT_TRUE(moment.ok()) << moment.status();
    return *std::move(moment);
  }
  // Words of the kernel's become anything, or addresses; the channel's header stays.
  void Damage(std::mt19937_64& random) {
    const proto::ChannelHeader header = sample_.guest.header();
    const uint64_t high = header.frame_high_water * proto::kPageBytes;
    for (int word = 0; word < 16; ++word) {
      const uint64_t gpa = (kKernelAt + random() % (high - kKernelAt)) & ~uint64_t{7};
      *sample_.guest.At<uint64_t>(gpa) =
          random() % 2 == 0 ? random() : proto::DirectMap(random() % high) & ~uint64_t{7};
    }
    sample_.guest.header() = header;
  }
  uint32_t Pid(proto::GuestPtr task) { return sample_.guest.Peek<proto::TaskRecord>(task).pid; }

  oracle::testing::SampleGuest sample_;

 private:
  static constexpr uint64_t kKernelAt = 0x100000;  // nothing lies below
};

}  // namespace fv::query::testing
