// SPDX-License-Identifier: Apache-2.0
#include "src/native/testing/host_linux.h"

#include <gtest/gtest.h>

namespace fv::native::testing {
namespace {

TEST(HostLinux, ReleasesAreParsed) {
  EXPECT_EQ(ParseLinuxRelease("6.1.0-50-amd64"), (LinuxVersion{6, 1}));
  EXPECT_EQ(ParseLinuxRelease("6.18-rc1"), (LinuxVersion{6, 18}));
  EXPECT_EQ(ParseLinuxRelease("10.2"), (LinuxVersion{10, 2}));
  for (const char* release : {"", "6", "6.", ".1", "six.one"}) {
    EXPECT_FALSE(ParseLinuxRelease(release)) << release;
  }
}

TEST(HostLinux, VersionsAreOrdered) {
  EXPECT_LT((LinuxVersion{6, 1}), kFollowedLinux);
  EXPECT_LT((LinuxVersion{5, 19}), kFollowedLinux);
  EXPECT_LT(kFollowedLinux, (LinuxVersion{7, 0}));
  EXPECT_EQ(ParseLinuxRelease("6.18.0-forkvisor"), kFollowedLinux);
}

}  // namespace
}  // namespace fv::native::testing
