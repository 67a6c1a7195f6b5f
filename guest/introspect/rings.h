// SPDX-License-Identifier: Apache-2.0
//
// Producer and consumer side of one ring of the channel (proto/channel.h). Pure: the doorbell is a
// function of the caller's, so both sides are tested on the host.
#pragma once

#include <atomic>
#include <cstdint>

#include "proto/channel.h"

namespace fv::guest {

// The kernel's end of a ring that the host drains.
template <typename Record>
class RingProducer {
 public:
  RingProducer() = default;
  RingProducer(proto::RingHeader& header, void* channel)
      : header_(&header),
        slots_(reinterpret_cast<Record*>(static_cast<uint8_t*>(channel) + header.offset)),
        mask_(header.capacity - 1) {}

  bool Full() const {
    return header_->produced - std::atomic_ref(header_->consumed).load(std::memory_order_acquire) >
           mask_;
  }
  // REQUIRES: !Full(). `record.sequence` is filled in.
  void Push(Record record) {
    const uint64_t sequence = header_->produced;
    record.sequence = sequence;
    slots_[sequence & mask_] = record;
    std::atomic_ref(header_->produced).store(sequence + 1, std::memory_order_release);
  }

 private:
  proto::RingHeader* header_ = nullptr;
  Record* slots_ = nullptr;
  uint64_t mask_ = 0;
};

// The kernel's end of a ring that the host fills.
template <typename Record>
class RingConsumer {
 public:
  RingConsumer() = default;
  RingConsumer(proto::RingHeader& header, void* channel)
      : header_(&header),
        slots_(reinterpret_cast<Record*>(static_cast<uint8_t*>(channel) + header.offset)),
        mask_(header.capacity - 1) {}

  bool Pop(Record& out) {
    const uint64_t sequence = header_->consumed;
    if (sequence == std::atomic_ref(header_->produced).load(std::memory_order_acquire)) {
      return false;
    }
    out = slots_[sequence & mask_];
    std::atomic_ref(header_->consumed).store(sequence + 1, std::memory_order_release);
    return true;
  }

 private:
  proto::RingHeader* header_ = nullptr;
  Record* slots_ = nullptr;
  uint64_t mask_ = 0;
};

}  // namespace fv::guest
