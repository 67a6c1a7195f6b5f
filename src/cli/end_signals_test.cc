// SPDX-License-Identifier: Apache-2.0
#include "src/cli/end_signals.h"

#include <gtest/gtest.h>

namespace fv::cli {
namespace {

TEST(EndSignalsTest, WhatCameBeforeTheWaitEndsIt) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const EndSignals enough;
    ::raise(number);
    enough.Await();
  }
}

TEST(EndSignalsTest, AfterwardsSignalsAreAsBefore) {
  struct sigaction before {};
  ::sigaction(SIGTERM, nullptr, &before);
  {
    const EndSignals enough;
    struct sigaction during {};
    ::sigaction(SIGTERM, nullptr, &during);
    EXPECT_NE(during.sa_handler, before.sa_handler);
  }
  struct sigaction after {};
  ::sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST(EndSignalsTest, WhatTheParentIgnoresStaysIgnored) {
  ::signal(SIGHUP, SIG_IGN);
  {
    const EndSignals enough;
    struct sigaction during {};
    ::sigaction(SIGHUP, nullptr, &during);
    EXPECT_EQ(during.sa_handler, SIG_IGN);
  }
  ::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace fv::cli
