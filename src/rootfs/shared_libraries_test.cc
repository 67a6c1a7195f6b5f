// SPDX-License-Identifier: Apache-2.0
//
// The answers of a loader, real ones and made-up ones.

#include "src/rootfs/shared_libraries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fv::rootfs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SharedLibraries, PathsOfTheLoadersAnswer) {
  const auto paths = ParseLibraryList(
      "\tlinux-vdso.so.1 (0x00007ffc)\n"
      "\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f01)\n"
      "\tlibc.so.6 => /lib/with space/libc.so.6 (0x00007f02)\n"
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f03)\n");
  ASSERT_TRUE(paths.ok());
  EXPECT_THAT(*paths, ElementsAre("/lib/x86_64-linux-gnu/libm.so.6", "/lib/with space/libc.so.6"));
}

TEST(SharedLibraries, AMissingLibraryIsNamed) {
  const auto paths = ParseLibraryList("\tlibnone.so.1 => not found\n");
  EXPECT_EQ(paths.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(paths.status().message()), HasSubstr("libnone.so.1"));
}

TEST(SharedLibraries, NothingComesOfNothing) {
  const auto paths = ParseLibraryList("");
  ASSERT_TRUE(paths.ok());
  EXPECT_TRUE(paths->empty());
}

TEST(SharedLibraries, OfAProgramOfThisMachine) {
  const auto paths = SharedLibraries("/lib64/ld-linux-x86-64.so.2", "/bin/sh");
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_THAT(*paths, testing::Contains(HasSubstr("libc.so")));
  EXPECT_THAT(*paths, testing::Contains(HasSubstr("libgcc_s.so.1")))
      << "threads that are cancelled want it";
}

TEST(SharedLibraries, AMissingLoaderIsNamed) {
  const auto paths = SharedLibraries("/no/such/loader", "/bin/sh");
  EXPECT_THAT(std::string(paths.status().message()), HasSubstr("/no/such/loader"));
}

}  // namespace
}  // namespace fv::rootfs
