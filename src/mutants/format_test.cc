// SPDX-License-Identifier: Apache-2.0
//
// What counts as caught, and how it is told.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "src/mutants/mutants.h"
#include "src/oracle/finding.h"

namespace fv::mutants {
namespace {

constexpr MutantInfo kNone{0, "", 0, proto::MutantProbe::kTables, "none"};

Row Caught(const MutantInfo& mutant) {
  return {mutant, {.broken = 1u << mutant.invariant, .rule = "SomeRule", .safepoints = 12}};
}

Grade GoodGrade() {
  return {{Caught(AllMutants()[0]), Caught(AllMutants()[2])}, {{kNone, {.safepoints = 40}}}};
}

TEST(MutantList, NumbersNamesAndInvariants) {
  std::set<std::string> names;
  uint32_t number = 0;
  for (const MutantInfo& mutant : AllMutants()) {
    EXPECT_EQ(mutant.number, ++number)
        << mutant.name << ": numbers are constant, new ones come last";
    EXPECT_TRUE(names.insert(mutant.name).second) << mutant.name;
    EXPECT_GE(mutant.invariant, 1u);
    EXPECT_LE(mutant.invariant, oracle::kInvariants);
  }
}

TEST(MutantList, ChosenByName) {
  EXPECT_EQ(ChooseMutants("")->size(), AllMutants().size());
  const auto two = ChooseMutants("no-canary,reuse-shared");
  ASSERT_TRUE(two.ok());
  ASSERT_EQ(two->size(), 2u);
  EXPECT_STREQ((*two)[1].name, "reuse-shared");
  EXPECT_FALSE(ChooseMutants("no-canary,nothing").ok());
}

TEST(Grade, Good) {
  EXPECT_TRUE(GoodGrade().Good());
  EXPECT_NE(FormatGradeTable(GoodGrade()).find("2 of 2 caught"), std::string::npos);
}

TEST(Grade, AnotherInvariantIsNotEnough) {
  Grade grade = GoodGrade();
  grade.mutants[0].outcome.broken = 1u << 20;
  EXPECT_FALSE(grade.Good());
  EXPECT_NE(FormatGradeTable(grade).find("1 of 2 caught"), std::string::npos);
  EXPECT_NE(FormatGradeTable(grade).find("MISSED"), std::string::npos);
}

TEST(Grade, CleanKernelAccused) {
  Grade grade = GoodGrade();
  grade.clean[0].outcome.broken = 2;
  EXPECT_FALSE(grade.Good());
  EXPECT_NE(FormatGradeTable(grade).find("ACCUSED"), std::string::npos);
}

TEST(Grade, CleanKernelFails) {
  Grade grade = GoodGrade();
  grade.clean[0].outcome.failure = "the run took too long";
  EXPECT_FALSE(grade.Good());
}

TEST(Grade, Json) {
  const auto json = nlohmann::json::parse(FormatGradeJson(GoodGrade()));
  EXPECT_EQ(json["caught"], 2);
  EXPECT_EQ(json["of"], 2);
  EXPECT_TRUE(json["good"]);
  EXPECT_EQ(json["mutants"][0]["name"], AllMutants()[0].name);
  EXPECT_EQ(json["clean"][0]["strategy"], "ondemand");
}

}  // namespace
}  // namespace fv::mutants
