// SPDX-License-Identifier: Apache-2.0
//
// Patterns of core(5).
#include "guest/fs/core_name.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace fv::guest {
namespace {

std::string NameOf(const std::string& pattern, bool uses_pid = false) {
  CorePattern from{};
  std::strncpy(from.text, pattern.c_str(), sizeof(from.text) - 1);
  from.uses_pid = uses_pid;
  CoreNameFacts facts;
  facts.pid = 12;
  facts.tid = 13;
  facts.uid = 4;
  facts.gid = 5;
  facts.signo = 11;
  facts.seconds = 1700000000;
  facts.comm = "a/b";
  facts.hostname = "..";
  facts.exe = "/bin/prog";
  char out[kCoreNameBytes];
  const Status status = FormatCoreName(from, facts, out);
  return status.ok() ? out : "error " + std::to_string(status.error().number());
}

TEST(CoreName, Specifiers) {
  EXPECT_EQ(NameOf("core"), "core");
  EXPECT_EQ(NameOf("/tmp/core.%e.%p"), "/tmp/core.a!b.12");
  EXPECT_EQ(NameOf("%i-%u-%g-%s-%t"), "13-4-5-11-1700000000");
  EXPECT_EQ(NameOf("%E %f"), "!bin!prog prog");
  EXPECT_EQ(NameOf("%h"), "!.") << "no way up";
  EXPECT_EQ(NameOf("a%%b%Zc%"), "a%bc");
}

TEST(CoreName, UsesPid) {
  EXPECT_EQ(NameOf("core", true), "core.12");
  EXPECT_EQ(NameOf("core-%p", true), "core-12") << "once is enough";
}

TEST(CoreName, Refused) {
  EXPECT_EQ(NameOf(""), "error 2");
  EXPECT_EQ(NameOf("|/bin/handler %p"), "error 95");
  std::string many;
  for (int i = 0; i < 60; ++i) many += "%E";
  EXPECT_EQ(NameOf(many), "error 36");
}

}  // namespace
}  // namespace fv::guest
