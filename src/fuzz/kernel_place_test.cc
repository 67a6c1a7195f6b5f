// SPDX-License-Identifier: Apache-2.0
//
// A chain of frames in memory made here, and chains that lie.
#include "src/fuzz/kernel_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_format.h"
#include "proto/layout.h"
#include "src/inspect/testing/symbol_file.h"

namespace fv::fuzz {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kStack = 0x4000;

inspect::KernelSymbols Symbols() {
  return inspect::KernelSymbols(inspect::testing::SymbolFile()
                                    .Symbol("Panic", 0x1000, 0x100)
                                    .Symbol("Inner", 0x1100, 0x100)
                                    .Symbol("Outer", 0x1200, 0x100)
                                    .Bytes());
}

class PlaceTest : public ::testing::Test {
 protected:
  void SetFrame(uint64_t at, uint64_t outer, uint64_t return_address) {
    const uint64_t words[] = {outer, return_address};
    ASSERT_TRUE(memory_.Write(at, words, sizeof(words)));
  }
  std::vector<std::string> Place(const std::string& message, uint64_t rbp) {
    return PlaceOfPanic(memory_, Symbols(), message,
                        absl::StrFormat("  rsi 0 rbp %016x rsp 0\n", rbp));
  }

  vmm::GuestMemory memory_{proto::kMinRamBytes};
};

TEST_F(PlaceTest, FollowsFrames) {
  SetFrame(kStack, proto::DirectMap(kStack + 0x40), 0x1080);
  SetFrame(kStack + 0x40, proto::DirectMap(kStack + 0x80), 0x1180);
  SetFrame(kStack + 0x80, 0, 0x1300);
  EXPECT_THAT(Place("check failed", proto::DirectMap(kStack)), ElementsAre("Inner", "Outer"))
      << "without Panic; the last call stands at the end of its function";
}

TEST_F(PlaceTest, ATrapNamesItsInstruction) {
  SetFrame(kStack, 0, 0x1210);
  EXPECT_THAT(Place("kernel trap 14 at rip 1110 rsp 0", proto::DirectMap(kStack)),
              ElementsAre("Inner", "Outer"));
}

TEST_F(PlaceTest, ChainsThatLieEnd) {
  EXPECT_THAT(Place("kernel trap without a number", 0x1234), IsEmpty());
  EXPECT_THAT(Place("", proto::DirectMap(memory_.size() - 8)), IsEmpty());
  EXPECT_THAT(Place("", proto::DirectMap(kStack + 1)), IsEmpty());
  SetFrame(kStack, proto::DirectMap(kStack), 0x1180);
  EXPECT_THAT(Place("", proto::DirectMap(kStack)), ElementsAre("Inner"));
  EXPECT_THAT(PlaceOfPanic(memory_, Symbols(), "", "no registers"), IsEmpty());
}

}  // namespace
}  // namespace fv::fuzz
