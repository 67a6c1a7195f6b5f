// SPDX-License-Identifier: Apache-2.0
//
// The commit has the form that build_info.h promises.
#include "tools/build_info/build_info.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

namespace fv {
namespace {

TEST(BuildInfo, CommitIsAHashOrUnknown) {
  const std::string commit(BuildCommit());
  EXPECT_TRUE(std::regex_match(commit, std::regex("unknown|[0-9a-f]{12}(-modified)?"))) << commit;
}

}  // namespace
}  // namespace fv
