// SPDX-License-Identifier: Apache-2.0
//
// Two moments of a synthetic guest compared.
#include "src/oracle/holdings.h"

#include <gtest/gtest.h>

#include "src/oracle/testing/sample_guest.h"

namespace fv::oracle {
namespace {

using testing::GuestBuilder;

Holdings Read(const GuestBuilder& guest) {
  absl::StatusOr<Holdings> holdings = ReadHoldings(guest.memory(), guest.channel());
  EXPECT_TRUE(holdings.ok()) << holdings.status();
  return *holdings;
}

class HoldingsTest : public ::testing::Test {
 protected:
  GuestBuilder guest_{uint64_t{16} << 20};
  Holdings before_ = Read(guest_);
  std::string Change() { return Difference(before_, Read(guest_)); }
};

TEST_F(HoldingsTest, NothingHappened) { EXPECT_EQ(Change(), ""); }

TEST_F(HoldingsTest, WhatIsTakenBackIsEqual) {
  const uint64_t pfn = guest_.AllocateFrame(proto::FrameState::kKernel);
  EXPECT_NE(Change().find("kernel frames "), std::string::npos) << Change();
  EXPECT_NE(Change().find("free and slab frames counted "), std::string::npos) << Change();
  guest_.FreeFrame(pfn);
  EXPECT_EQ(Change(), "") << "a frame that was never used, and one that came back";
}

TEST_F(HoldingsTest, OneObject) {
  const proto::GuestPtr object = guest_.AllocateObject("vma");
  EXPECT_NE(Change().find("vma objects 0 -> 1"), std::string::npos) << Change();
  guest_.FreeObject("vma", object);
  EXPECT_EQ(Change().find("vma"), std::string::npos) << Change();
}

TEST_F(HoldingsTest, OneTask) {
  guest_.AddTask(7, guest_.init_task(), 0);
  EXPECT_NE(Change().find("tasks 1 -> 2"), std::string::npos) << Change();
}

TEST_F(HoldingsTest, AGuestThatLiesIsAnError) {
  guest_.header().slab_caches = 12345;
  EXPECT_FALSE(ReadHoldings(guest_.memory(), guest_.channel()).ok());
}

}  // namespace
}  // namespace fv::oracle
