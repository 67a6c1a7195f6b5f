// SPDX-License-Identifier: Apache-2.0
//
// TestProcess: an address space that a test owns, with short words for what tests do to it. Reads
// and writes go through user_copy, which faults and checks permissions as the CPU would.
#pragma once

#include <cstdint>
#include <utility>

#include "guest/mm/mm.h"
#include "guest/mm/page_table.h"
#include "guest/mm/spare_trees.h"
#include "guest/mm/testing/fake_machine.h"
#include "guest/mm/user_copy.h"

namespace fv::guest::testing {

inline constexpr uint64_t kPage = proto::kPageBytes;
inline constexpr uint64_t kReadWrite = proto::kVmRead | proto::kVmWrite;
inline constexpr uint64_t kAt = 0x10000000;  // where tests map things

class TestProcess {
 public:
  // With fresh page tables, so that their numbers are known.
  TestProcess() : TestProcess((FakeMachine::Get(), DropSpareTrees(), Mm::Create().take())) {}
  explicit TestProcess(Mm* mm) : mm_(mm) {}
  TestProcess(TestProcess&& other) : mm_(std::exchange(other.mm_, nullptr)) {}
  ~TestProcess() { Exit(); }

  void Exit() {
    if (mm_ != nullptr) {
      std::exchange(mm_, nullptr)->Put();
    }
  }
  Mm& mm() { return *mm_; }
  Mm* operator->() { return mm_; }

  Result<uint64_t> Map(uint64_t address, uint64_t pages, uint64_t flags = kReadWrite,
                       Ref<MemoryObject> object = nullptr, uint64_t page_offset = 0) {
    MapRequest request;
    request.address = address;
    request.length = pages * kPage;
    request.flags = flags;
    request.placement = MapPlacement::kFixed;
    request.object = object;
    request.page_offset = page_offset;
    return mm_->Map(request);
  }
  bool Write(uint64_t address, uint64_t value) { return WriteUser(*mm_, address, value).ok(); }
  // The word at `address`, ~0 if it cannot be read.
  uint64_t Read(uint64_t address) {
    Result<uint64_t> value = ReadUser<uint64_t>(*mm_, address);
    return value.ok() ? value.value() : ~uint64_t{0};
  }
  proto::Pte Pte(uint64_t address) {
    const proto::Pte* pte = LookupPte(*mm_, address);
    return pte == nullptr ? 0 : *pte;
  }
  uint64_t Pfn(uint64_t address) { return PfnOfPte(Pte(address)); }
  FaultResult Fault(uint64_t address, FaultAccess access) {
    return HandleFault(*mm_, address, access);
  }
  TestProcess Fork(const HotPages& hot = {}) {
    counts = {};
    return TestProcess(DupMm(*mm_, counts, hot).take());
  }

  ForkCounts counts;  // of the last Fork

 private:
  Mm* mm_;
};

}  // namespace fv::guest::testing
