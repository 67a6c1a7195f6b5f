// SPDX-License-Identifier: Apache-2.0
#include "guest/lib/pid_map.h"

#include <gtest/gtest.h>

#include <memory>

namespace fv::guest {
namespace {

class PidTest : public ::testing::Test {
 protected:
  uint32_t Take() {
    const Result<uint32_t> pid = map_->Allocate();
    return pid.ok() ? pid.value() : 0;
  }
  std::unique_ptr<PidMap> map_ = std::make_unique<PidMap>();
};

TEST_F(PidTest, F80AscendsFromOne) {
  for (uint32_t expected = 1; expected < 1000; ++expected) {
    ASSERT_EQ(Take(), expected);
  }
}

TEST_F(PidTest, F80IsNotReusedBeforeTheWrap) {
  EXPECT_EQ(Take(), 1u);
  EXPECT_EQ(Take(), 2u);
  map_->Free(2);
  map_->Free(1);
  for (uint32_t expected = 3; expected < kPidMax; ++expected) {
    ASSERT_EQ(Take(), expected);
    map_->Free(expected);
  }
  // After the wrap the low ids stay reserved.
  EXPECT_EQ(Take(), kReservedPids);
}

TEST_F(PidTest, F80WrapSkipsWhatIsInUse) {
  for (uint32_t i = 1; i < kPidMax; ++i) {
    ASSERT_EQ(Take(), i);
  }
  map_->Free(5000);
  map_->Free(100);  // reserved after the wrap
  EXPECT_EQ(Take(), 5000u);
  const Result<uint32_t> full = map_->Allocate();
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().number(), EAGAIN);
}

TEST_F(PidTest, F80StaysBelowALimit) {
  for (uint32_t i = 1; i < 1000; ++i) {
    ASSERT_EQ(Take(), i);
  }
  map_->SetLimit(kReservedPids + 1);
  map_->Free(kReservedPids);
  EXPECT_EQ(Take(), kReservedPids);
  EXPECT_EQ(Take(), 0u) << "full";
  EXPECT_EQ(map_->AllocateExact(kReservedPids + 1).error().number(), EINVAL);
  EXPECT_TRUE(map_->InUse(999));
  map_->SetLimit(kPidMax);
  EXPECT_EQ(Take(), 1000u);
}

TEST_F(PidTest, F80GivenIds) {
  EXPECT_TRUE(map_->AllocateExact(77).ok());
  EXPECT_EQ(map_->AllocateExact(77).error().number(), EEXIST);
  EXPECT_EQ(map_->AllocateExact(0).error().number(), EINVAL);
  EXPECT_EQ(map_->AllocateExact(kPidMax).error().number(), EINVAL);
  map_->Free(77);
  EXPECT_FALSE(map_->InUse(77));
}

}  // namespace
}  // namespace fv::guest
