// SPDX-License-Identifier: Apache-2.0
#include "src/diff/differ.h"

#include <gtest/gtest.h>

namespace fv::diff {
namespace {

using User = native::NativeOptions::User;

constexpr uid_t kRoot = 0;
constexpr uid_t kSomebody = 1000;

TEST(MayRunOnHostRoot, OnlyRootHasToAskForIt) {
  EXPECT_TRUE(MayRunOnHostRoot(NativeRoot::kAuto, User::kNamespace, kSomebody));
  EXPECT_FALSE(MayRunOnHostRoot(NativeRoot::kAuto, User::kNamespace, kRoot));
  EXPECT_TRUE(MayRunOnHostRoot(NativeRoot::kAuto, User::kCaller, kRoot));
}

TEST(MayRunOnHostRoot, AsTheUserChose) {
  for (const uid_t caller : {kRoot, kSomebody}) {
    for (const User user : {User::kNamespace, User::kCaller}) {
      EXPECT_FALSE(MayRunOnHostRoot(NativeRoot::kPrivate, user, caller));
      EXPECT_TRUE(MayRunOnHostRoot(NativeRoot::kHost, user, caller));
    }
  }
}

}  // namespace
}  // namespace fv::diff
