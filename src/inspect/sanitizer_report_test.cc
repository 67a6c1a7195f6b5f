// SPDX-License-Identifier: Apache-2.0
#include "src/inspect/sanitizer_report.h"

#include <gtest/gtest.h>

namespace fv::inspect {
namespace {

// Names of functions are KernelSymbols' business: a file without symbols has none.
std::optional<SanitizerReport> Read(std::string_view message) {
  return ReadSanitizerReport(message, {});
}

TEST(SanitizerReport, OtherPanicsAreNone) {
  EXPECT_FALSE(Read(""));
  EXPECT_FALSE(Read("guest/mm/slab.cc:1: check failed: x"));
  EXPECT_FALSE(Read("kasan"));
  EXPECT_FALSE(Read("kasan: only a kind"));
  EXPECT_FALSE(Read("other: kind: what"));
}

TEST(SanitizerReport, SaysWhereAndWhoseTheObjectWas) {
  const auto report = Read(
      "kasan: slab-use-after-free: read of 8 at 700000123450, byte 16 of a freed vma of 144; "
      "at 12ab 34cd; allocated 3 1111 2222; freed 4 3333");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->tool, "kasan");
  EXPECT_EQ(report->kind, "slab-use-after-free");
  EXPECT_EQ(report->place, "slab-use-after-free in 0x12ab");
  EXPECT_EQ(report->text,
            "kasan: slab-use-after-free: read of 8 at 700000123450, byte 16 of a freed vma of 144\n"
            "  in 0x12ab < 0x34cd\n"
            "  allocated by pid 3 in 0x1111 < 0x2222\n"
            "  freed by pid 4 in 0x3333");
}

TEST(SanitizerReport, UndefinedBehaviourHasItsPlaceInTheSource) {
  const auto report =
      Read("ubsan: shift-out-of-bounds: 1 of type 'int' by 40 in guest/mm/a.cc:3:5; at 10");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->tool, "ubsan");
  EXPECT_EQ(report->text.substr(0, report->text.find('\n')),
            "ubsan: shift-out-of-bounds: 1 of type 'int' by 40 in guest/mm/a.cc:3:5");
}

TEST(SanitizerReport, ToleratesWhatIsCutOffOrNonsense) {
  for (const char* message :
       {"kasan: a: b; at", "kasan: a: b; at zz ffffffffffffffffffff -1", "kasan: a: b; freed",
        "kasan: a: b; freed x", "kasan: a: b; ", "kasan: : ; ; ;"}) {
    EXPECT_TRUE(Read(message)) << message;
  }
}

}  // namespace
}  // namespace fv::inspect
