// SPDX-License-Identifier: Apache-2.0
//
// Command lines: where flags end, what they may be.
#include "src/cli/arguments.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <cstdlib>

DEFINE_string(test_text, "", "");
DEFINE_uint64(test_number, 1, "");
DEFINE_bool(test_switch, false, "");

namespace fv::cli {
namespace {

const std::vector<std::string_view> kAllowed = {"test_text", "test_number", "test_switch", "env",
                                                "file"};

class ArgumentsTest : public testing::Test {
 protected:
  absl::StatusOr<Arguments> Parse(const std::vector<std::string>& args) {
    FLAGS_test_text = "";
    FLAGS_test_number = 1;
    FLAGS_test_switch = false;
    return ParseArguments(args, kAllowed);
  }
  using Words = std::vector<std::string>;
};

TEST_F(ArgumentsTest, FlagsEndAtTheProgram) {
  const auto arguments =
      Parse({"--test_text=a", "-test_number", "5", "prog", "--test_switch", "-x"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(FLAGS_test_text, "a");
  EXPECT_EQ(FLAGS_test_number, 5u);
  EXPECT_FALSE(FLAGS_test_switch) << "that one is the program's";
  EXPECT_EQ(arguments->words, (Words{"prog", "--test_switch", "-x"}));
}

TEST_F(ArgumentsTest, TwoDashesEndTheFlags) {
  EXPECT_EQ(Parse({"--test_switch", "--", "--prog"})->words, (Words{"--prog"}));
  EXPECT_TRUE(FLAGS_test_switch);
  EXPECT_EQ(Parse({"-", "x"})->words, (Words{"-", "x"}));
}

TEST_F(ArgumentsTest, FlagsMayStandBehindTheWords) {
  const auto arguments =
      ParseFlagsAnywhere({"a", "--test_text=x", "b", "--test_switch", "c"}, kAllowed);
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->words, (Words{"a", "b", "c"}));
  EXPECT_EQ(FLAGS_test_text, "x");
  EXPECT_FALSE(ParseFlagsAnywhere({"a", "--nope"}, kAllowed).ok());
}

TEST_F(ArgumentsTest, SwitchesTakeNoWord) {
  EXPECT_EQ(Parse({"--test_switch", "prog"})->words, (Words{"prog"}));
  EXPECT_TRUE(FLAGS_test_switch);
  ASSERT_TRUE(Parse({"--test_switch", "--notest_switch"}).ok());
  EXPECT_FALSE(FLAGS_test_switch);
  ASSERT_TRUE(Parse({"--test-switch=true"}).ok()) << "dashes in names are fine";
  EXPECT_TRUE(FLAGS_test_switch);
}

TEST_F(ArgumentsTest, AFlagIsFoundAmongOthers) {
  EXPECT_TRUE(NamesFlag({"--test_text", "a", "--test_switch", "-test_number=1"}, "test_number"));
  EXPECT_FALSE(NamesFlag({"--test_text", "--test_number", "prog"}, "test_number")) << "a value";
  EXPECT_FALSE(NamesFlag({"prog", "--test_number=1"}, "test_number")) << "the program's";
  EXPECT_FALSE(NamesFlag({"--", "--test_number=1"}, "test_number"));
}

TEST_F(ArgumentsTest, RepeatedFlags) {
  const auto arguments = Parse({"--env=A=1", "--env", "B=x=y", "--file=f:g"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->env, (Words{"A=1", "B=x=y"}));
  EXPECT_EQ(arguments->file, (Words{"f:g"}));
}

TEST_F(ArgumentsTest, AVariableWithoutAValueIsTheHosts) {
  setenv("FV_TEST_HERE", "a=b", 1);
  unsetenv("FV_TEST_NOT_HERE");
  const auto arguments = Parse({"--env=FV_TEST_HERE", "--env=FV_TEST_NOT_HERE", "--env=EMPTY="});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->env, (Words{"FV_TEST_HERE=a=b", "FV_TEST_NOT_HERE", "EMPTY="}));
}

TEST_F(ArgumentsTest, Mistakes) {
  for (const Words& words :
       {Words{"--none"}, Words{"--test_text"}, Words{"--test_number=x"}, Words{"--test_number=-1"},
        Words{"--env==x"}, Words{"--env="}, Words{"--file="}, Words{"--file=:/x"},
        Words{"--flagfile=/etc/passwd"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Parse(words).status())) << words[0];
  }
  EXPECT_TRUE(Parse({"--help"})->help);
}

TEST(ParseSize, Units) {
  EXPECT_EQ(*ParseSize("f", "4096"), 4096u);
  EXPECT_EQ(*ParseSize("f", "64M"), uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("f", "1G"), uint64_t{1} << 30);
  EXPECT_EQ(*ParseSize("f", "2KiB"), 2048u);
  EXPECT_EQ(*ParseSize("f", "0"), 0u);
  for (const char* bad : {"", "M", "-1M", "1m", "1.5G", "1X", "99999999999G", "1 M"}) {
    EXPECT_FALSE(ParseSize("f", bad).ok()) << bad;
  }
}

TEST(FormatSize, IsReadBack) {
  for (uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{4096}, uint64_t{3} << 30}) {
    EXPECT_EQ(*ParseSize("f", FormatSize(bytes)), bytes);
  }
  EXPECT_EQ(FormatSize(uint64_t{256} << 20), "256M");
}

TEST(ParseSeconds, Fractions) {
  EXPECT_EQ(*ParseSeconds("f", "1.5"), 1'500'000'000u);
  EXPECT_EQ(*ParseSeconds("f", "0"), 0u);
  for (const char* bad : {"", "-1", "x", "nan", "inf", "1e30"}) {
    EXPECT_FALSE(ParseSeconds("f", bad).ok()) << bad;
  }
}

TEST(ParseDuration, Units) {
  EXPECT_EQ(*ParseDuration("f", "90"), 90);
  EXPECT_EQ(*ParseDuration("f", "90s"), 90);
  EXPECT_EQ(*ParseDuration("f", "1.5m"), 90);
  EXPECT_EQ(*ParseDuration("f", "2h"), 7200);
  EXPECT_EQ(*ParseDuration("f", "0"), 0);
  for (const char* bad : {"", "m", "-1s", "1d", "1ms", "nan", "1e30", "soon"}) {
    EXPECT_FALSE(ParseDuration("f", bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace fv::cli
