// SPDX-License-Identifier: Apache-2.0
//
// Steps of events made here, with a kernel that notes where they were emitted, one that does not,
// and a guest that lies.
#include "src/fuzz/change_place.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/layout.h"
#include "src/inspect/testing/symbol_file.h"

namespace fv::fuzz {
namespace {

using proto::EventKind;
using proto::SafepointKind;

constexpr uint64_t kSitesAt = 0x8000;
constexpr uint64_t kSites = 4;

// With the places of events in this section.
std::vector<uint8_t> Kernel(const std::string& section, uint64_t address) {
  return inspect::testing::SymbolFile()
      .Symbol("Unmap", 0x1000, 0x100)
      .Symbol("Fork", 0x1100, 0x100)
      .Section(section, address, kSites * sizeof(uint64_t))
      .Bytes();
}

class ChangePlaceTest : public ::testing::Test {
 protected:
  // The next event, emitted by a call before `site`.
  void Emit(EventKind kind, uint64_t site, uint64_t a = 0) {
    proto::EventRecord event{};
    event.sequence = sequence_++;
    event.kind = kind;
    event.a = a;
    ASSERT_TRUE(
        memory_.Store(kSitesAt + event.sequence % kSites * sizeof(uint64_t), uint64_t{site}));
    step_.OnEvent(event);
  }
  std::string Place(SafepointKind kind = SafepointKind::kSyscall) {
    step_.OnSafepoint(kind);
    return PlaceOfChange(step_, EventSites(kernel_), memory_, inspect::KernelSymbols(kernel_),
                         nullptr)
        .name;
  }

  std::vector<uint8_t> kernel_ = Kernel("fv_event_sites", proto::DirectMap(kSitesAt));
  vmm::GuestMemory memory_{proto::kMinRamBytes};
  LastStep step_;
  uint64_t sequence_ = 0;
};

TEST_F(ChangePlaceTest, NamesTheFunctionOfTheLargestChange) {
  Emit(EventKind::kNewTask, 0x1180);
  EXPECT_EQ(Place(), "in Fork");
  Emit(EventKind::kSyscallEnter, 0x1180, 11);
  Emit(EventKind::kUnmap, 0x1100);  // the call stands at the end of its function
  Emit(EventKind::kMap, 0x1180);
  EXPECT_EQ(Place(), "in Unmap") << "what was before the last safepoint does not count";
}

TEST_F(ChangePlaceTest, NamesTheCallWhereNothingElseIsKnown) {
  Emit(EventKind::kSyscallEnter, 0x1180, 11);
  EXPECT_EQ(Place(), "in munmap");
  EXPECT_EQ(Place(), "");
  Emit(EventKind::kNewTask, 0x1180);
  EXPECT_EQ(Place(SafepointKind::kFinal), "at the end");
}

TEST_F(ChangePlaceTest, AKernelThatNotesNothingNamesTheEvent) {
  kernel_ = Kernel("another_section", proto::DirectMap(kSitesAt));
  Emit(EventKind::kCowBreak, 0x1180);
  EXPECT_EQ(Place(), "in cow-break");
}

TEST_F(ChangePlaceTest, AGuestThatLiesNamesNothing) {
  Emit(EventKind::kUnmap, 0xFFFF'FFFF'FFFF'FFFF);
  EXPECT_EQ(Place(), "in unmap");
  Emit(static_cast<EventKind>(0xFFFF), 0x1180);
  EXPECT_EQ(Place(), "");
  kernel_ = Kernel("fv_event_sites", proto::DirectMap(memory_.size()));
  Emit(EventKind::kUnmap, 0x1180);
  EXPECT_EQ(Place(), "in unmap");
}

}  // namespace
}  // namespace fv::fuzz
