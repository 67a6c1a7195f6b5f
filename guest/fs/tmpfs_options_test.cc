// SPDX-License-Identifier: Apache-2.0
#include "guest/fs/tmpfs_options.h"

#include <gtest/gtest.h>

#include <string>

namespace fv::guest {
namespace {

constexpr uint64_t kTotal = 1000;

int ErrorOf(const char* text) {
  TmpfsOptions options = DefaultTmpfsOptions(kTotal);
  const Status status = ParseTmpfsOptions(text, kTotal, options);
  return status.ok() ? 0 : status.error().number();
}

TmpfsOptions Parsed(const char* text) {
  TmpfsOptions options = DefaultTmpfsOptions(kTotal);
  EXPECT_TRUE(ParseTmpfsOptions(text, kTotal, options).ok()) << text;
  return options;
}

std::string Shown(const char* text) {
  char out[128];
  return std::string(out, FormatTmpfsOptions(Parsed(text), kTotal, out, sizeof(out)));
}

TEST(TmpfsOptions, Sizes) {
  EXPECT_EQ(Parsed("").pages, 500u);
  EXPECT_FALSE(Parsed("").has_pages);
  EXPECT_EQ(Parsed("size=4096").pages, 1u);
  EXPECT_EQ(Parsed("size=4097").pages, 2u);
  EXPECT_EQ(Parsed("size=64k").pages, 16u);
  EXPECT_EQ(Parsed("size=1M").pages, 256u);
  EXPECT_EQ(Parsed("size=10%").pages, 100u);
  EXPECT_EQ(Parsed("nr_blocks=2k").pages, 2048u);
  EXPECT_EQ(Parsed("size=0").pages, 0u);
  EXPECT_TRUE(Parsed("size=0").has_pages);
  EXPECT_EQ(Parsed("size=1m,size=4k").pages, 1u);
}

TEST(TmpfsOptions, TheOthers) {
  const TmpfsOptions options = Parsed("nr_inodes=7,,mode=0750,uid=5,gid=6,inode64,noswap");
  EXPECT_EQ(options.inodes, 7u);
  EXPECT_EQ(options.mode, 0750u);
  EXPECT_EQ(options.uid, 5u);
  EXPECT_EQ(options.gid, 6u);
}

TEST(TmpfsOptions, Refused) {
  for (const char* text : {"size", "size=", "size=x", "size=4kk", "size=99999999999999999999",
                           "mode=8", "mode=", "uid=-1", "uid=4294967295", "gid=x", "nr_inodes=1%",
                           "nosuch=1", "nosuch", "huge=always", "size=1m;", "size=20000000t"}) {
    EXPECT_EQ(ErrorOf(text), EINVAL) << text;
  }
}

TEST(TmpfsOptions, ShowsWhatDiffersFromTheDefaults) {
  EXPECT_EQ(Shown(""), "");
  EXPECT_EQ(Shown("size=1m"), ",size=1024k");
  EXPECT_EQ(Shown("nr_inodes=10,mode=700,uid=1,gid=2"), ",nr_inodes=10,mode=700,uid=1,gid=2");
  EXPECT_EQ(Shown("size=0,mode=7"), ",size=0k,mode=007");
  EXPECT_EQ(Shown("size=50%,mode=1777"), "");
  char out[8];
  EXPECT_EQ(FormatTmpfsOptions(Parsed("size=1m"), kTotal, out, sizeof(out)), 7u);
}

}  // namespace
}  // namespace fv::guest
