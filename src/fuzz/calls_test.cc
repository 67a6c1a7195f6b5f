// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/calls.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace fv::fuzz {
namespace {

std::map<std::string_view, uint64_t> SystemCalls() {
  return {
#define FV_SYSCALL(number, name, ...) {#name, number},
#include "proto/syscalls.def"
#undef FV_SYSCALL
  };
}

TEST(Calls, AreSystemCallsOfTheOneList) {
  const auto system_calls = SystemCalls();
  const std::set<uint16_t> own = {FV_FUZZ_STORE,    FV_FUZZ_LOAD, FV_FUZZ_HASH,
                                  FV_FUZZ_STRATEGY, FV_FUZZ_FAIL, FV_FUZZ_FAULT};
  for (const CallSpec& call : Calls()) {
    EXPECT_EQ(own.count(call.number) == 0, IsSystemCall(call.number)) << call.name;
    if (own.count(call.number) != 0) continue;
    // "mmap_file" is mmap with other arguments.
    const bool is_variant = SystemCallOf(call.number) != call.number;
    const std::string_view name =
        is_variant ? call.name.substr(0, call.name.rfind('_')) : call.name;
    const auto found = system_calls.find(name);
    ASSERT_NE(found, system_calls.end()) << call.name;
    EXPECT_EQ(found->second, SystemCallOf(call.number)) << call.name;
  }
}

TEST(Calls, HaveNumbersOfTheirOwn) {
  const auto calls = Calls();
  for (size_t i = 1; i < calls.size(); ++i) {
    EXPECT_LT(calls[i - 1].number, calls[i].number) << calls[i].name;
  }
}

TEST(Calls, AreFoundByNumberAndByName) {
  for (const CallSpec& call : Calls()) {
    EXPECT_EQ(FindCall(call.number), &call);
    EXPECT_EQ(FindCall(call.name), &call);
  }
  EXPECT_EQ(FindCall("reboot"), nullptr);
  EXPECT_EQ(FindCall(uint16_t{169}), nullptr);
}

TEST(Calls, HaveArgumentsThatCanBeChosen) {
  for (const CallSpec& call : Calls()) {
    EXPECT_LE(call.arguments.size(), size_t{FV_FUZZ_ARGUMENTS}) << call.name;
    EXPECT_GT(call.weight, 0u) << call.name;
    for (const ArgumentSpec& spec : call.arguments) {
      const bool named = spec.type == ArgumentType::kChoice || spec.type == ArgumentType::kFlags ||
                         spec.type == ArgumentType::kSignal || spec.type == ArgumentType::kGroup;
      EXPECT_EQ(named, !spec.names.empty()) << call.name;
    }
  }
}

}  // namespace
}  // namespace fv::fuzz
